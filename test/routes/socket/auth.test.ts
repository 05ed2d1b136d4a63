import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { listen, SECRET } from '../../support/build.ts'
import { signHmac } from '../../support/issuers.ts'
import { type Client, ask, connect, heard, once, open, refusal, refused, until } from '../../support/sockets.ts'
import { found } from './cast.ts'

const app = await listen(t, { CHAT_LIMITS: 'off' })
const now = () => Math.floor(Date.now() / 1000)

/** Somebody with tokens that end so many seconds from now. */
function someone (username = 'ann') {
  const sub = randomUUID()
  return { sub, token: (seconds: number, more: object = {}) => signHmac({ sub, username, iat: now(), exp: now() + seconds, ...more }, SECRET) }
}

// A client that is cut off in the middle of its upgrade leaves the test's process a timer of half a minute.
const websocket = { transports: ['websocket'] }

const gone = (socket: Client) => new Promise<string>(resolve => { socket.once('disconnect', resolve) })

t.test('auth:refresh: the connection goes on with another token, and its role and name', async t => {
  const { id: cafeId } = await found(app)
  const { sub, token } = someone()
  const socket = await connect(t, app, token(2), { ...websocket, auth: { cafeId } })
  const other = await connect(t, app, token(2), { ...websocket, auth: { cafeId } })
  const lost = gone(other)
  const next = token(3600, { username: 'Ann B.', role: 'moderator' })
  const reply = await ask(socket, 'auth:refresh', { token: next })
  t.strictSame(reply, { user: { id: sub, username: 'Ann B.', role: 'moderator' }, expiresAt: new Date(1000 * (JSON.parse(Buffer.from(next.split('.')[1]!, 'base64url').toString()) as { exp: number }).exp).toISOString() })
  await lost
  t.strictSame(heard(other, 'auth:expired'), [{ reason: 'expired' }])
  t.ok(socket.connected, 'the one that was refreshed stays')
  t.match(await ask(socket, 'message:send', { cafeId, content: 'still here' }), { message: { username: 'Ann B.' } })
  const bob = await connect(t, app, someone('bob').token(60), { auth: { cafeId } })
  const { message } = await ask(bob, 'message:send', { cafeId, content: 'delete me' })
  await t.resolves(ask(socket, 'message:delete', { messageId: message.id }), 'as a moderator')
  await ask(socket, 'auth:refresh', { token: token(3600) })
  const kept = await ask(bob, 'message:send', { cafeId, content: 'keep me' })
  t.match(await refused(socket, 'message:delete', { messageId: kept.message.id }), { code: 'CHAT_FORBIDDEN' }, 'not any more')
})

t.test('auth:refresh with a token that is no good, or of somebody else, changes nothing', async t => {
  const { token } = someone()
  const socket = await connect(t, app, token(60))
  t.match(await refused(socket, 'auth:refresh', { token: someone('eve').token(60, { role: 'admin' }) }), { code: 'CHAT_FORBIDDEN' })
  for (const bad of ['x', `${token(60)}x`, token(-60), token(60, { nbf: now() + 60 }), signHmac({ username: 'ann', exp: now() + 60 }, SECRET), 'x'.repeat(20_000)]) {
    t.strictSame(await refused(socket, 'auth:refresh', { token: bad }), { code: 'CHAT_UNAUTHENTICATED', message: 'A valid token is needed' })
  }
  t.match(await refused(socket, 'auth:refresh', { token: { token: 'x' } }), { code: 'CHAT_VALIDATION' })
  t.ok((await ask(socket, 'presence:update', { status: 'away' })).status === 'away', 'the old one still does')
})

/** Connects with a token that ends soon, and measures how long after that the socket hears of it and is gone. */
async function outlive (t: Test, options: Parameters<typeof open>[3]) {
  const { token } = someone()
  const exp = now() + 2
  const socket = await connect(t, app, token(0, { exp }), options)
  const lost = gone(socket)
  const told = once(socket, 'auth:expired').then(payload => ({ payload, after: Date.now() - exp * 1000 }))
  const { payload, after } = await told
  t.strictSame(payload, { reason: 'expired' })
  t.ok(after >= 0 && after < 2000, `told after ${after} ms`)
  const reason = await lost
  t.ok(Date.now() - exp * 1000 < 2000, `gone after ${Date.now() - exp * 1000} ms: ${reason}`)
  return { reason }
}

t.test('a token that ends: the socket is told, and cut off within two seconds', async t => {
  const [first] = await Promise.all([websocket, { transports: ['polling'] }, {}].map(options => outlive(t, options)))
  t.equal(first!.reason, 'transport close', 'which a stock client takes for a reason to come back')
  t.match(await app.metrics.registry.getSingleMetricAsString('chat_dismissals_total'), /reason="expired"\} [1-9]/)
})

t.test('a client that fetches nothing any more is cut off all the same', async t => {
  const { sub, token } = someone()
  const poll = (query: string, body?: string) => fetch(`${app.url}/socket.io/?EIO=4&transport=polling${query}`, body === undefined ? {} : { method: 'POST', body })
  const { sid } = JSON.parse((await (await poll('')).text()).slice(1)) as { sid: string }
  await poll(`&sid=${sid}`, `40${JSON.stringify({ token: token(1) })}`)
  const there = () => [...app.io.of('/').sockets.values()].some(({ data }) => data.connection.user.id === sub)
  await until('it is connected', there)
  await until('it is gone', () => !there())
  t.equal((await poll(`&sid=${sid}`)).status, 400, 'its connection is not known any more')
})

t.test('a stock client that knows where tokens come from comes back by itself; one that does not is refused', async t => {
  const { token } = someone()
  const patient = { ...websocket, reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 }
  const tokens = [token(1), token(60)]
  const socket = open(t, app, '', patient)
  socket.auth = answer => answer({ token: tokens.shift()! })
  const single = open(t, app, token(1), patient)
  await Promise.all([once(socket, 'auth:expired'), once(single, 'auth:expired')])
  t.match(await refusal(single), { code: 'CHAT_UNAUTHENTICATED' })
  await until('it is back', () => heard(socket, 'connected').length === 2)
})

t.test('a refresh that comes too late finds nobody, and nothing is left behind', async t => {
  const { token } = someone()
  const socket = await connect(t, app, token(60), websocket)
  const lost = gone(socket)
  const [server] = [...app.io.of('/').sockets.values()].filter(({ id }) => id === socket.id)
  app.dismiss(server!, 'revoked')
  await t.rejects(app.renewToken(server!, token(60)), { code: 'CHAT_UNAUTHENTICATED' })
  t.equal(await lost, 'transport close')
  t.strictSame(heard(socket, 'auth:expired'), [{ reason: 'revoked' }])
  app.forgetToken(server!)
  server!.data.expiresAt = Date.now() + 60_000
  app.watchToken(server!)
  t.equal(server!.data.due !== undefined && server!.connected, false, 'a socket that is gone is not watched')
})

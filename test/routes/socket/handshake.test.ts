import { createHmac, randomUUID } from 'node:crypto'
import { io } from 'socket.io-client'
import t from 'tap'
import { listen, SECRET } from '../../support/build.ts'
import { watchQueries } from '../../support/queries.ts'
import { ask, connect, emit, heard, once, open, refusal } from '../../support/sockets.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { enter, found, visit } from './cast.ts'

const app = await listen(t)
const unauthenticated = { code: 'CHAT_UNAUTHENTICATED' }
const soon = (ms: number) => Math.floor((Date.now() + ms) / 1000)

/** A token as another issuer may make it, with whatever claims. */
function sign (claims: object, secret = SECRET, header: object = { alg: 'HS256', typ: 'JWT' }): string {
  const text = [header, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

t.test('tokens', async t => {
  const user = await app.services.accounts.welcome('ann')
  const { token } = app.issue(user)
  const claims = { sub: user.id, username: 'ann', exp: soon(60_000) }
  const [, body] = token.split('.')

  const wrong: Record<string, unknown> = {
    missing: undefined,
    null: null,
    'a number': 5,
    'an object': { token },
    'an array': [token],
    'a boolean': true,
    empty: '',
    'without an end': sign({ ...claims, exp: undefined }),
    'with another algorithm': sign(claims, SECRET, { alg: 'HS512', typ: 'JWT' }),
    'no token at all': 'let me in',
    expired: sign({ ...claims, exp: soon(-60_000) }),
    'of another secret': sign(claims, 'x'.repeat(40)),
    'with another body': token.replace(body!, Buffer.from(JSON.stringify({ ...claims, role: 'admin' })).toString('base64url')),
    'without a signature': sign(claims, SECRET, { alg: 'none', typ: 'JWT' }).replace(/[^.]*$/, ''),
    'with a header of an HTTP request': `Bearer ${token}`,
    'without a user': sign({ ...claims, sub: undefined }),
    'with a user that is no UUID': sign({ ...claims, sub: 'ann' }),
    'with an object for a user': sign({ ...claims, sub: { id: user.id } }),
    'without a name': sign({ ...claims, username: undefined }),
    'with a blank name': sign({ ...claims, username: ' ' }),
    'with NUL in the name': sign({ ...claims, username: 'a\u0000b' }),
    huge: 'x'.repeat(20_000)
  }
  for (const [what, wrongToken] of Object.entries(wrong)) {
    const error = await refusal(open(t, app, wrongToken as string))
    t.match(error, unauthenticated, what)
    t.notMatch(JSON.stringify(error), /jwt|token .*(malformed|invalid)|exp/i, `${what}: nothing about the reason`)
  }
  for (const auth of [undefined, null, [], 'x', 5, [token], { token: {} }]) {
    const socket = io(app.url, { forceNew: true, reconnection: false, auth: send => send(auth as object) })
    t.teardown(() => { socket.disconnect() })
    const end = await Promise.race(['connect', 'connect_error', 'disconnect'].map(event => new Promise<string>(resolve => { socket.once(event, () => resolve(event)) })))
    t.not(end, 'connect', `auth ${JSON.stringify(auth)} is none`)
  }
  t.match(await once(open(t, app, token), 'connected'), { userId: user.id, username: 'ann' }, 'a good one still does')
  t.equal(app.io.of('/').sockets.size, 1, 'none of the others is there')
})

t.test('who a token of elsewhere stands for', async t => {
  const sub = randomUUID()
  const token = (more: object) => sign({ sub, username: 'Käthe', exp: soon(60_000), aud: 'somebody else', ...more })
  const socket = await connect(t, app, token({ sub: sub.toUpperCase(), role: 'owner' }))
  const [connected] = heard(socket, 'connected')
  t.match(connected, { userId: sub, username: 'Käthe', limits: { maxLength: 500, historyLimit: 50, typingTimeoutMs: 3000 } }, 'letters of the id are lower case')
  t.ok(Math.abs(Date.parse(connected!.serverTime) - Date.now()) < 5000, 'serverTime is now')
  t.ok(Math.abs(Date.parse(connected!.expiresAt) - Date.now() - 60_000) < 6000, 'expiresAt is that of the token')
  const users = async () => (await app.pg.pool.query('SELECT username, role FROM users WHERE id = $1', [sub])).rows
  t.same(await users(), [{ username: 'Käthe', role: 'member' }], 'a role that klatsch does not know is that of a member')
  await connect(t, app, token({ username: 'Kathrin', role: 'moderator' }))
  t.same(await users(), [{ username: 'Kathrin', role: 'moderator' }], 'a new name and role are taken over')

  const { id: cafeId } = await found(app)
  await ask(socket, 'join:cafe', { cafeId })
  t.match(await ask(socket, 'message:send', { cafeId, content: 'hello' }), { message: { userId: sub, username: 'Käthe' } })
  const sockets = [...app.io.of('/').sockets.values()].filter(({ data }) => data.connection.user.id === sub)
  t.same(sockets.map(({ handshake }) => Object.keys(handshake.auth)), [[], []], 'the token is not kept')
})

t.test('many users arrive at once', async t => {
  const app = await listen(t)
  const calls = watchQueries(app)
  const claims = Array.from({ length: 40 }, (_, n) => ({ sub: randomUUID(), username: `user ${n}`, exp: soon(60_000) }))
  const sockets = await Promise.all(claims.map(user => connect(t, app, sign(user), { transports: ['websocket'] })))
  t.equal(sockets.length, 40)
  const upserts = calls.filter(call => call.includes('INTO users')).length
  t.ok(upserts >= 1 && upserts < 40, `${upserts} statements for 40 users`)
  await connect(t, app, sign(claims[0]!))
  t.equal(calls.filter(call => call.includes('INTO users')).length, upserts, 'who is known costs none')
})

t.test('a user whose row is gone', async t => {
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  await app.pg.pool.query('DELETE FROM users WHERE id = $1', [ann.user.id])
  for (let n = 0; n < 2; n++) t.match(await emit(ann.socket, 'message:send', { cafeId, content: 'hello?' }), { ok: false, error: unauthenticated })
  const again = await ann.tab(app, { auth: { cafeId } })
  t.match(await ask(again, 'message:send', { cafeId, content: 'hello?' }), { message: { seq: 1, userId: ann.user.id } }, 'who connects again is known again')
})

t.test('a token that expires while its socket is connected', async t => {
  const { id: cafeId } = await found(app)
  const bob = await visit(t, app, 'bob', cafeId)
  const user = await app.services.accounts.welcome('ann')
  const exp = Math.floor(Date.now() / 1000) + 3
  const socket = await connect(t, app, sign({ sub: user.id, username: 'ann', exp }))
  t.match(await ask(socket, 'join:cafe', { cafeId }), { cafeId })
  await new Promise(resolve => { setTimeout(resolve, exp * 1000 - Date.now() + 5) })
  // Within half a second the socket is cut off, perhaps before it is answered.
  const lost = new Promise<string>(resolve => { socket.once('disconnect', resolve) })
  for (const [event, payload] of [['message:send', { cafeId, content: 'late' }], ['join:cafe', { cafeId }], ['typing:start', { cafeId }], ['presence:update', { status: 'away' }]] as const) {
    const answer = await Promise.race([emit(socket, event, payload), lost])
    if (typeof answer === 'object') t.match(answer, { ok: false, error: unauthenticated }, event)
  }
  await lost
  t.match(await ask(bob.socket, 'message:send', { cafeId, content: 'in time' }), { message: { seq: 1 } }, 'nothing was stored before')
  await checkLog(t, app.pg.pool)
})

t.test('origins', async t => {
  const app = await listen(t, { CORS_ORIGIN: 'https://cafe.example' })
  const ann = await enter(t, app, 'ann')
  const from = (origin: string) => ({ transports: ['websocket'], extraHeaders: { origin } })
  for (const origin of ['https://cafe.example', app.url]) t.ok((await ann.tab(app, from(origin))).connected, origin)
  for (const origin of ['https://evil.example', 'https://cafe.example.evil.example', 'null', 'http://127.0.0.1']) {
    const socket = open(t, app, ann.token, from(origin))
    await new Promise(resolve => { socket.once('connect_error', resolve) })
    t.notOk(socket.connected, origin)
  }
  const anywhere = await listen(t, { CORS_ORIGIN: '*' })
  const bob = await enter(t, anywhere, 'bob')
  t.ok((await bob.tab(anywhere, from('https://evil.example'))).connected, '* lets all in')
})

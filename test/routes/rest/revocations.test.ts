import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { User } from '../../../schemas/users.ts'
import { listen, SECRET } from '../../support/build.ts'
import { signHmac } from '../../support/issuers.ts'
import { watchQueries } from '../../support/queries.ts'
import { type Client, ask, connect, heard, once, open, refusal, until } from '../../support/sockets.ts'
import { found, listenTwice, type Node } from '../socket/cast.ts'

const { one, two, redis } = await listenTwice(t)
const now = () => Math.floor(Date.now() / 1000)
const url = '/api/auth/revocations'
const unauthenticated = { code: 'CHAT_UNAUTHENTICATED', message: 'A valid token is needed' }

const sign = (claims: object) => signHmac({ username: 'ann', iat: now() - 5, exp: now() + 3600, ...claims }, SECRET)
const admin = sign({ sub: randomUUID(), role: 'admin' })
const post = (node: Node, payload: unknown, token = admin) => node.inject({ method: 'POST', url, headers: { authorization: `Bearer ${token}` }, payload: payload as object })
const get = (node: Node, token: string) => node.inject({ url: '/api/cafes', headers: { authorization: `Bearer ${token}` } })
const websocket = { transports: ['websocket'] }

/** Milliseconds until the socket is gone, from now. */
function untilGone (socket: Client): Promise<number> {
  const start = performance.now()
  return new Promise(resolve => { socket.once('disconnect', () => resolve(performance.now() - start)) })
}

t.test('a user: every socket on every node is told and gone within a second, and REST refuses', async t => {
  const sub = randomUUID()
  const [first, second] = [sign({ sub, jti: 'a' }), sign({ sub, jti: 'b' })]
  const sockets = await Promise.all([connect(t, one, first, websocket), connect(t, one, second), connect(t, two, first, websocket), connect(t, two, second, { transports: ['polling'] })])
  await until('the stock client is upgraded', () => sockets[1]!.io.engine.transport.name === 'websocket')
  const bystander = await connect(t, two, sign({ sub: randomUUID() }), websocket)
  const gone = sockets.map(untilGone)

  const response = await post(one, { userId: sub, reason: 'Lost their phone' })
  t.equal(response.statusCode, 201)
  const answer = response.json<{ userId: string, revokedAt: string, endsAt: string }>()
  t.strictSame(Object.keys(answer).toSorted(), ['endsAt', 'revokedAt', 'userId'])
  t.equal(answer.userId, sub)
  t.equal(Date.parse(answer.endsAt) - Date.parse(answer.revokedAt), 30 * 86_400_000)
  for (const ms of await Promise.all(gone)) t.ok(ms < 1000, `gone after ${ms} ms`)
  for (const socket of sockets) t.strictSame(heard(socket, 'auth:expired'), [{ reason: 'revoked' }])
  for (const node of [one, two]) {
    t.strictSame((await get(node, first)).json(), unauthenticated)
    t.strictSame(await refusal(open(t, node, second)), unauthenticated)
    t.equal((await get(node, sign({ sub, iat: now() + 5 }))).statusCode, 200, 'a token that is made later is good')
    t.equal((await get(node, signHmac({ sub, username: 'ann', exp: now() + 60 }, SECRET))).statusCode, 401, 'one that does not say when is not')
  }
  t.ok(bystander.connected)
  const { rows } = await one.pg.query('SELECT user_id, reason FROM revocations WHERE user_id = $1', [sub])
  t.strictSame(rows, [{ user_id: sub, reason: 'Lost their phone' }])
})

t.test('one token by its id: that one and no other', async t => {
  const sub = randomUUID()
  const [lost, kept] = [randomUUID(), randomUUID()]
  const [gone, stays] = [await connect(t, two, sign({ sub, jti: lost }), websocket), await connect(t, two, sign({ sub, jti: kept }), websocket)]
  const leaving = untilGone(gone)
  t.equal((await post(one, { tokenId: lost })).statusCode, 201)
  t.ok(await leaving < 1000)
  t.ok(stays.connected)
  for (const node of [one, two]) t.strictSame([(await get(node, sign({ sub, jti: lost }))).statusCode, (await get(node, sign({ sub, jti: kept }))).statusCode], [401, 200])

  const refreshed = await connect(t, two, sign({ sub, jti: 'first' }), websocket)
  await ask(refreshed, 'auth:refresh', { token: sign({ sub, jti: 'next' }) })
  await post(one, { tokenId: 'first' })
  t.ok((await ask(refreshed, 'presence:update', { status: 'away' })).status === 'away', 'a token that was replaced is nothing to it')
  const end = untilGone(refreshed)
  await post(one, { tokenId: 'next' })
  t.ok(await end < 1000)
})

t.test('an issued guest token has an id of its own', async t => {
  const user: User = await one.services.accounts.welcome('guest')
  const { token } = one.issue(user)
  const { jti } = one.jwt.decode<{ jti: string }>(token)!
  t.equal((await post(one, { tokenId: jti })).statusCode, 201)
  t.equal((await get(one, token)).statusCode, 401)
})

t.test('bad input, and who may', async t => {
  const sub = randomUUID()
  for (const role of ['member', 'moderator', 'Admin']) t.match((await post(one, { userId: sub }, sign({ sub: randomUUID(), role }))).json(), { code: 'CHAT_FORBIDDEN' }, role)
  t.equal((await one.inject({ method: 'POST', url, payload: { userId: sub } })).statusCode, 401)
  for (const payload of [{}, { userId: 'ann' }, { userId: sub, tokenId: 'x' }, { tokenId: '' }, { tokenId: 5 }, { tokenId: 'x'.repeat(256) }, { userId: sub, reason: '' }, { userId: sub, reason: 'a\nb' }, { userId: sub, until: 1 }, [], null]) {
    const response = await post(one, JSON.stringify(payload) as unknown)
    t.ok([400, 415].includes(response.statusCode), JSON.stringify(payload))
  }
  for (const payload of [{}, { userId: 'ann' }, { userId: sub, tokenId: 'x' }, { tokenId: '' }, { tokenId: 'x'.repeat(256) }]) t.match((await post(one, payload)).json(), { code: 'CHAT_VALIDATION' }, JSON.stringify(payload))
})

t.test('neither a request nor a send asks the database whether its token was revoked', async t => {
  const { id: cafeId } = await found(one)
  const token = sign({ sub: randomUUID() })
  const socket = await connect(t, one, token, { auth: { cafeId } })
  await once(socket, 'message:history')
  await get(one, token)
  const queries: string[] = []
  const seen = watchQueries(one)
  for (let n = 0; n < 5; n++) await one.identify(token)
  queries.push(...seen)
  t.strictSame(queries, [])
})

t.test('a Redis outage: the others learn of it from the database, and a node that starts knows it too', async t => {
  const sub = randomUUID()
  const token = sign({ sub })
  const socket = await connect(t, two, token, websocket)
  redis.kill()
  await until('the node has noticed', () => two.health.readiness().body.redis === 'down')
  const gone = untilGone(socket)
  t.equal((await post(one, { userId: sub })).statusCode, 201)
  t.ok(await gone < 10_000, 'by the next look')
  t.equal((await get(two, token)).statusCode, 401)
  await redis.restart()
  await until('Redis is back', () => [one, two].every(node => node.health.readiness().body.redis === 'up'), 10_000)
  t.equal((await get(two, token)).statusCode, 401)
  const next = await listen(t, { DATABASE_URL: one.databaseUrl })
  t.equal((await get(next, token)).statusCode, 401)

  const again = randomUUID()
  const other = await connect(t, two, sign({ sub: again }), websocket)
  await until('nodes hear each other again', async () => two.stores.hot.bus.isLive(), 10_000)
  const leaving = untilGone(other)
  await post(one, { userId: again })
  t.ok(await leaving < 1000, 'at once again')
})

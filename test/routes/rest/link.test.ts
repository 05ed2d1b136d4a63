import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { ErrorBody } from '../../../schemas/errors.ts'
import { listen, SECRET } from '../../support/build.ts'
import { signHmac } from '../../support/issuers.ts'
import { watchQueries } from '../../support/queries.ts'
import { ask, call, connect, guest, heard, refused } from '../../support/sockets.ts'
import { found, type Node } from '../socket/cast.ts'

const ISSUER = 'https://id.example'
const secret = 'a secret of the issuer, which is not the one of klatsch'
const JWT_ISSUERS = JSON.stringify([{ issuer: ISSUER, audience: 'chat', secret, claims: { role: 'role' } }])
const app = await listen(t, { JWT_ISSUERS, CHAT_LIMITS: 'off' })
const other = await listen(t, { JWT_ISSUERS, DATABASE_URL: app.databaseUrl })

const now = () => Math.floor(Date.now() / 1000)
const account = (more: object = {}) => {
  const claims = { iss: ISSUER, aud: 'chat', sub: randomUUID(), username: 'Käthe', role: 'moderator', iat: now(), exp: now() + 600, ...more }
  return { ...claims, token: signHmac(claims, secret) }
}
const link = (node: Node, by: string, token: unknown) => node.inject({ method: 'POST', url: '/api/auth/link', headers: { authorization: `Bearer ${by}` }, payload: { token } as object })

t.test('a guest becomes an account and keeps id and history', async t => {
  const { token, user } = await guest(app, 'HappyOtter42')
  const { id: cafeId } = await found(app)
  const socket = await connect(t, app, token, { auth: { cafeId } })
  const { message } = await ask(socket, 'message:send', { cafeId, content: 'as a guest' })
  const kaethe = account()
  t.match(await refused(socket, 'auth:refresh', { token: account().token }), { code: 'CHAT_FORBIDDEN' }, 'an account that is not linked is somebody else')

  const response = await link(app, token, kaethe.token)
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'no-store')
  const named = { id: user.id, username: 'Käthe', role: 'moderator' }
  t.strictSame(response.json(), { user: named, expiresAt: new Date(kaethe.exp * 1000).toISOString() })
  t.strictSame((await link(app, token, kaethe.token)).json(), response.json(), 'again, with the same two')

  for (const node of [app, other]) t.strictSame((await node.identify(account({ sub: kaethe.sub }).token)).user, named, 'on every node')
  t.match(await ask(socket, 'auth:refresh', { token: kaethe.token }), { user: named }, 'the connection may go on as the account')
  const sent = await ask(socket, 'message:send', { cafeId, content: 'as myself' })
  t.match(sent.message, { userId: user.id, username: 'Käthe' })
  const again = await connect(t, other, kaethe.token, { auth: { cafeId } })
  t.match(heard(again, 'connected'), [{ userId: user.id, username: 'Käthe' }])
  await ask(again, 'message:edit', { messageId: message.id, content: 'as a guest, edited' })
  const { messages } = await call<{ messages: object[] }>(other, 'GET', `/api/chat/messages/${cafeId}`, { token: kaethe.token })
  t.match(messages, [{ username: 'Käthe', content: 'as myself' }, { username: 'HappyOtter42', userId: user.id, content: 'as a guest, edited' }], 'old messages keep the name they were sent under')
  t.strictSame((await app.pg.query('SELECT username FROM users WHERE id = $1', [user.id])).rows, [{ username: 'Käthe' }])
})

t.test('an account that is somebody already, and tokens that cannot be linked', async t => {
  const [ann, bob] = [await guest(app, 'ann'), await guest(app, 'bob')]
  const taken = account()
  t.equal((await link(app, ann.token, taken.token)).statusCode, 200)
  const codeOf = async (by: string, token: unknown) => {
    const response = await link(app, by, token)
    return [response.statusCode, response.json<ErrorBody>().code]
  }
  t.strictSame(await codeOf(bob.token, taken.token), [409, 'CHAT_ACCOUNT_TAKEN'], 'of another guest')
  const known = account()
  await other.identify(known.token)
  t.strictSame(await codeOf(bob.token, known.token), [409, 'CHAT_ACCOUNT_TAKEN'], 'who was here by itself')
  t.strictSame(await codeOf(known.token, account().token), [403, 'CHAT_FORBIDDEN'], 'an account is no guest')
  t.strictSame(await codeOf(bob.token, ann.token), [403, 'CHAT_FORBIDDEN'], 'a guest is no account')
  for (const bad of ['x', account({ aud: 'mail' }).token, account({ exp: now() - 60 }).token, signHmac(taken, SECRET), account({ sub: 'auth0|5' }).token]) {
    t.strictSame(await codeOf(bob.token, bad), [401, 'CHAT_UNAUTHENTICATED'])
  }
  for (const bad of [undefined, '', 5, { token: 'x' }]) t.strictSame(await codeOf(bob.token, bad), [400, 'CHAT_VALIDATION'])
  t.equal((await link(app, 'x', taken.token)).statusCode, 401)
  t.equal((await app.identify(bob.token)).user.username, 'bob', 'nothing has changed for who was refused')

  await app.pg.query('DELETE FROM users WHERE id = $1', [bob.user.id])
  t.strictSame(await codeOf(bob.token, account().token), [401, 'CHAT_UNAUTHENTICATED'], 'a guest whose row is gone')
})

t.test('guests who are linked at once: one of them gets the account', async t => {
  const guests = await Promise.all(Array.from({ length: 6 }, (_, n) => guest(app, `guest ${n}`)))
  const { token } = account()
  const answers = await Promise.all(guests.map(({ token: by }, n) => link(n % 2 === 0 ? app : other, by, token)))
  const winners = answers.filter(({ statusCode }) => statusCode === 200)
  t.equal(winners.length, 1)
  t.ok(answers.every(({ statusCode }) => statusCode === 200 || statusCode === 409))
  const { user } = winners[0]!.json<{ user: { id: string } }>()
  for (const node of [app, other]) t.equal((await node.identify(token)).user.id, user.id)
})

t.test('many accounts come at once: few statements, and none for who is known; a revoked user is refused under each account', async t => {
  const seen = watchQueries(app)
  const accounts = Array.from({ length: 40 }, () => account())
  await Promise.all(accounts.map(({ token }) => app.identify(token)))
  const count = () => seen.filter(text => text.includes('recognise_accounts')).length
  const statements = count()
  t.ok(statements >= 1 && statements < 10, `${statements} statements for 40 accounts`)
  await Promise.all(accounts.map(({ token }) => app.identify(token)))
  t.equal(count(), statements)

  const { token, user } = await guest(app, 'ann')
  const linked = account()
  await link(app, token, linked.token)
  const admin = account({ role: 'admin' })
  await call(app, 'POST', '/api/auth/revocations', { token: admin.token, body: { userId: user.id } })
  for (const each of [token, linked.token]) await t.rejects(app.identify(each), { code: 'CHAT_UNAUTHENTICATED' })
})

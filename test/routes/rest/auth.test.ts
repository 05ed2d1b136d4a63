import t from 'tap'
import type { ErrorBody } from '../../../schemas/errors.ts'
import type { Session } from '../../../schemas/users.ts'
import { build } from '../../support/build.ts'
import { enter } from './client.ts'

const json = { 'content-type': 'application/json' }

t.test('POST /api/auth/guest', async t => {
  const app = await build(t)
  const guest = (payload?: string, headers: Record<string, string> = payload === undefined ? {} : json) =>
    app.inject({ method: 'POST', url: '/api/auth/guest', headers, ...(payload !== undefined && { payload }) })

  await t.test('without a body: a friendly name, a row, a token that works', async t => {
    const response = await guest()
    t.equal(response.statusCode, 201)
    t.equal(response.headers['cache-control'], 'no-store')
    const session = response.json<Session>()
    t.strictSame(Object.keys(session).toSorted(), ['expiresAt', 'token', 'user'])
    t.strictSame(Object.keys(session.user).toSorted(), ['id', 'role', 'username'])
    t.match(session.user, { username: /^[A-Z][a-z]+[A-Z][a-z]+\d+$/, role: 'member' })
    t.match(session.expiresAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    t.strictSame((await app.identify(session.token)).user, session.user)
    const { rows } = await app.pg.query('SELECT username FROM users WHERE id = $1', [session.user.id])
    t.strictSame(rows, [{ username: session.user.username }])
  })

  await t.test('under a name of their own', async t => {
    for (const username of ['ann', '猫', '☕😀', 'Ann B.', 'x'.repeat(64), "' OR 1=1--", '<b>ann</b>', '__proto__']) {
      const response = await guest(JSON.stringify({ username }))
      t.equal(response.statusCode, 201, username)
      t.equal(response.json<Session>().user.username, username)
    }
    t.equal((await guest('{}')).statusCode, 201)
  })

  await t.test('bad input', async t => {
    const wrong: Array<[string, ErrorBody['details']]> = [
      ['{"username":""}', [{ field: 'username', rule: 'minLength' }, { field: 'username', rule: 'pattern' }]],
      ['{"username":" "}', [{ field: 'username', rule: 'pattern' }]],
      ['{"username":" ann"}', [{ field: 'username', rule: 'pattern' }]],
      ['{"username":"a\\u0000b"}', [{ field: 'username', rule: 'pattern' }]],
      ['{"username":"a\\u202eb"}', [{ field: 'username', rule: 'pattern' }]],
      ['{"username":"a\\ud800b"}', [{ field: 'username', rule: 'pattern' }]],
      [JSON.stringify({ username: 'x'.repeat(65) }), [{ field: 'username', rule: 'maxLength' }]],
      ['{"username":5}', [{ field: 'username', rule: 'type' }]],
      ['{"username":null}', [{ field: 'username', rule: 'type' }]],
      ['{"role":"admin"}', [{ field: 'role', rule: 'additionalProperties' }]],
      ['{"id":"x"}', [{ field: 'id', rule: 'additionalProperties' }]],
      ['null', [{ field: '', rule: 'type' }]],
      ['[]', [{ field: '', rule: 'type' }]],
      ['"ann"', [{ field: '', rule: 'type' }]]
    ]
    for (const [payload, details] of wrong) {
      const response = await guest(payload)
      t.equal(response.statusCode, 400, payload)
      t.match(response.json(), { code: 'CHAT_VALIDATION' }, payload)
      t.strictSame(response.json<ErrorBody>().details, details, payload)
    }
    for (const payload of ['', '{', '{"__proto__":{"role":"admin"}}']) {
      t.match((await guest(payload)).json(), { code: 'CHAT_VALIDATION' }, payload)
    }
    t.equal((await guest('username=ann', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode, 415)
    t.equal((await guest(JSON.stringify({ username: 'x'.repeat(70_000) }))).statusCode, 413)
  })
})

t.test('POST /api/auth/refresh', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann', 'moderator')

  const response = await ann.post('/api/auth/refresh')
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'no-store')
  const session = response.json<Session>()
  t.not(session.token, ann.token)
  t.strictSame(session.user, ann.user, 'the same person with the same role')
  t.strictSame((await app.identify(session.token)).user, ann.user)

  const without = await app.inject({ method: 'POST', url: '/api/auth/refresh' })
  t.equal(without.statusCode, 401)
  t.match(without.json(), { code: 'CHAT_UNAUTHENTICATED' })
  t.equal((await app.inject({ method: 'GET', url: '/api/auth/refresh' })).statusCode, 404)
})

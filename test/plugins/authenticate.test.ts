import { createHmac } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import fastifyJwt from '@fastify/jwt'
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import t from 'tap'
import jwt from '../../plugins/jwt.ts'
import klatsch, { loadConfig } from '../../app.ts'
import type { ErrorBody } from '../../schemas/errors.ts'
import { type User } from '../../schemas/users.ts'
import { build } from '../support/build.ts'
import { createDatabase } from '../support/servers.ts'

const secret = 'a secret of the tests, at least thirty-two characters'
const sub = '5c8fd5a5-9b0a-4f7e-8a3e-3a1c0b4c2f10'
const now = () => Math.floor(Date.now() / 1000)

const base64 = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** A token of an issuer, friend or enemy: `json` stands for claims that JSON.stringify would not write. */
function forge (claims: unknown, { header = { alg: 'HS256', typ: 'JWT' } as unknown, key = secret, hash = 'sha256' } = {}): string {
  const input = `${base64(header)}.${base64(claims)}`
  return `${input}.${createHmac(hash, key).update(input).digest('base64url')}`
}

const claims = (more: object = {}) => ({ sub, username: 'ann', exp: now() + 60, ...more })

const url = '/api/auth/refresh'
const knock = (app: FastifyInstance, authorization?: string, path = url) =>
  app.inject({ method: 'POST', url: path, headers: authorization === undefined ? {} : { authorization } })

t.test('a token that verifies stands for its user, on either transport, and the user gets a row', async t => {
  const app = await build(t, { JWT_SECRET: secret })
  const exp = now() + 60
  const { user, expiresAt } = await app.identify(forge(claims({ exp, role: 'moderator' })))
  t.strictSame(user, { id: sub, username: 'ann', role: 'moderator' })
  t.equal(expiresAt, exp * 1000)
  const { rows } = await app.pg.query('SELECT id, username, role FROM users')
  t.strictSame(rows, [{ id: sub, username: 'ann', role: 'moderator' }])

  const response = await knock(app, `Bearer ${forge(claims({ username: 'Ann B.' }))}`)
  t.equal(response.statusCode, 200)
  t.match(response.json(), { user: { id: sub, username: 'Ann B.', role: 'member' } })
  t.match((await app.pg.query('SELECT username FROM users')).rows, [{ username: 'Ann B.' }], 'a rename reaches the row')
})

t.test('a token that was good is refused once it has expired, whatever is remembered of it', async t => {
  const app = await build(t, { JWT_SECRET: secret })
  const authorization = `Bearer ${forge(claims({ exp: now() }))}`
  t.equal((await knock(app, authorization)).statusCode, 200, 'clocks may differ by a second')
  await setTimeout(2100)
  t.equal((await knock(app, authorization)).statusCode, 401)
})

t.test('claims: what is taken as it is, and what is put right', async t => {
  const app = await build(t, { JWT_SECRET: secret })
  const identify = async (more: object) => app.identify(forge(claims(more)))

  t.equal((await identify({ sub: sub.toUpperCase() })).user.id, sub, 'an id in upper-case letters is the same id')
  t.equal((await identify({ role: 'barista' })).user.role, 'member', 'an unknown role')
  t.equal((await identify({ role: 'toString' })).user.role, 'member')
  t.equal((await identify({ role: 'admin' })).user.role, 'admin')
  t.equal((await identify({ aud: 'elsewhere', iss: 'https://id.example', scope: ['a'], jti: 'x', iat: now() })).user.id, sub, 'claims of other issuers')
  t.equal((await identify({ username: '猫カフェ ☕' })).user.username, '猫カフェ ☕')
  t.equal(new Date((await identify({ exp: 9e12 })).expiresAt).toISOString(), '9999-12-31T23:59:59.999Z', 'the last day that a date-time can name')
  t.equal((await identify({ exp: now() + 10.5 })).expiresAt % 1, 0)
  await t.resolves(identify({ exp: Date.now() / 1000 - 0.3 }), 'a clock that is a little off does no harm')
})

t.test('hostile and broken tokens: 401, the same body for all', async t => {
  const app = await build(t, { JWT_SECRET: secret })
  const good = forge(claims())
  const [head, body, signature] = good.split('.') as [string, string, string]
  const none = (alg: string) => `${base64({ alg, typ: 'JWT' })}.${body}.`

  const bad: Record<string, unknown> = {
    nothing: undefined,
    null: null,
    empty: '',
    number: 5,
    object: { token: good },
    array: [good],
    boolean: true,
    buffer: Buffer.from(good),
    garbage: 'garbage',
    'two dots': '..',
    'one part': head,
    'two parts': `${head}.${body}`,
    'four parts': `${good}.x`,
    'no signature': `${head}.${body}.`,
    'other signature': `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'other body': `${head}.${base64(claims({ role: 'admin' }))}.${signature}`,
    'no JSON': `${base64('{')}.${base64('{')}.${signature}`,
    '64 kB': forge(claims({ padding: 'x'.repeat(65_536) })),
    'line break': `${good}\n`,
    'alg none': none('none'),
    'alg None': none('None'),
    'alg nOnE': none('nOnE'),
    'alg none, signed': forge(claims(), { header: { alg: 'none' } }),
    'HS512, same secret': forge(claims(), { header: { alg: 'HS512' }, hash: 'sha512' }),
    'HS384, same secret': forge(claims(), { header: { alg: 'HS384' }, hash: 'sha384' }),
    RS256: forge(claims(), { header: { alg: 'RS256' } }),
    'no alg': forge(claims(), { header: {} }),
    'alg number': forge(claims(), { header: { alg: 256 } }),
    'header array': forge(claims(), { header: ['HS256'] }),
    'header null': forge(claims(), { header: null }),
    crit: forge(claims(), { header: { alg: 'HS256', crit: ['exp'], b64: false } }),
    'unknown crit': forge(claims(), { header: { alg: 'HS256', crit: ['x'], x: 1 } }),
    'other secret': forge(claims(), { key: 'another secret' }),
    'empty secret': forge(claims(), { key: '' }),
    'payload array': forge([claims()]),
    'payload string': forge('"text"'),
    'payload null': forge('null'),
    'payload number': forge('5'),
    'no sub': forge({ username: 'ann', exp: now() + 60 }),
    'sub {}': forge(claims({ sub: {} })),
    'sub []': forge(claims({ sub: [sub] })),
    'sub number': forge(claims({ sub: 5 })),
    'sub null': forge(claims({ sub: null })),
    'sub text': forge(claims({ sub: 'ann' })),
    'sub with braces': forge(claims({ sub: `{${sub}}` })),
    'no username': forge({ sub, exp: now() + 60 }),
    'username number': forge(claims({ username: 5 })),
    'username blank': forge(claims({ username: ' ' })),
    'username long': forge(claims({ username: 'x'.repeat(65) })),
    'username with NUL': forge(claims({ username: 'a\0b' })),
    'username with a line break': forge(claims({ username: 'ann\n{"level":60}' })),
    'username with a lone surrogate': forge(`{"sub":"${sub}","username":"a\\ud800b","exp":${now() + 60}}`),
    'role array': forge(claims({ role: ['admin'] })),
    'no exp': forge({ sub, username: 'ann' }),
    'exp null': forge(claims({ exp: null })),
    'exp string': forge(claims({ exp: String(now() + 60) })),
    'exp "9e99"': forge(claims({ exp: '9e99' })),
    'exp 1e999': forge(`{"sub":"${sub}","username":"ann","exp":1e999}`),
    'exp -1': forge(claims({ exp: -1 })),
    'exp 0': forge(claims({ exp: 0 })),
    'exp -9e99': forge(claims({ exp: -9e99 })),
    'exp array': forge(claims({ exp: [now() + 60] })),
    expired: forge(claims({ exp: now() - 3 })),
    'nbf in the future': forge(claims({ nbf: now() + 3600 })),
    'nbf string': forge(claims({ nbf: 'tomorrow' }))
  }
  for (const [name, token] of Object.entries(bad)) {
    await t.rejects(app.identify(token), { code: 'CHAT_UNAUTHENTICATED', statusCode: 401, message: 'A valid token is needed' }, name)
    if (typeof token !== 'string' || token.includes('\n')) continue
    const response = await knock(app, `Bearer ${token}`)
    t.equal(response.statusCode, 401, name)
    t.strictSame(response.json(), { code: 'CHAT_UNAUTHENTICATED', message: 'A valid token is needed' }, name)
  }
  t.strictSame((await app.pg.query('SELECT FROM users')).rowCount, 0, 'none of them left a row')
})

t.test('the token comes in one place only', async t => {
  const app = await build(t, { JWT_SECRET: secret })
  const token = forge(claims())
  for (const header of [`Bearer ${token}`, `bearer ${token}`, `BEARER ${token}`, `Bearer   ${token}`]) {
    t.equal((await knock(app, header)).statusCode, 200, header.slice(0, 10))
  }
  for (const header of [undefined, '', 'Bearer', 'Bearer ', token, `Basic ${token}`, `Bearer${token}`, `Bearer ${token} x`, `Token ${token}`, `Bearer "${token}"`]) {
    const response = await knock(app, header)
    t.equal(response.statusCode, 401, String(header).slice(0, 10))
    t.equal(response.headers['www-authenticate'], 'Bearer')
  }
  for (const query of ['token', 'access_token', 'auth_token', 'authorization']) {
    t.equal((await knock(app, undefined, `${url}?${query}=${token}`)).statusCode, 401, query)
  }
  const cookie = await app.inject({ method: 'POST', url, headers: { cookie: `token=${token}` } })
  t.equal(cookie.statusCode, 401, 'cookie')
})

t.test('issue: a token that this server takes, for as long as JWT_EXPIRES_IN says', async t => {
  const app = await build(t, { JWT_SECRET: secret, JWT_EXPIRES_IN: '2h' })
  const user: User = { id: sub, username: 'HappyOtter42', role: 'moderator' }
  const session = app.issue(user)
  t.strictSame(session.user, user)
  t.ok(Math.abs(Date.parse(session.expiresAt) - (Date.now() + 7_200_000)) < 5000, session.expiresAt)
  t.match(await app.identify(session.token), { user, tokenId: String, issuedAt: Number, expiresAt: Date.parse(session.expiresAt) })

  const payload = app.jwt.decode<Record<string, unknown>>(session.token)
  t.strictSame(Object.keys(payload!).toSorted(), ['exp', 'iat', 'jti', 'role', 'sub', 'username'])
  t.not(app.issue(user).token, session.token, 'each has an id of its own')
  t.match(app.jwt.decode(session.token, { complete: true }), { header: { alg: 'HS256' } })
})

t.test('issue: a life beyond the calendar ends with it', async t => {
  const app = await build(t, { JWT_EXPIRES_IN: '999999999d' })
  const session = app.issue({ id: sub, username: 'ann', role: 'member' })
  t.equal(session.expiresAt, '9999-12-31T23:59:59.999Z')
  await t.resolves(app.identify(session.token))
})

t.test('a short secret stops the boot and stays out of the message', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.register(fp(async app => { app.decorate('config', loadConfig({})) }, { name: 'config' }))
  app.register(fp(async app => { app.decorate('secret', 'changeme') }, { name: 'secret' }))
  app.register(jwt)
  await t.rejects(async () => { await app.ready() }, { message: /^(?!.*changeme).*at least 32 characters/ })
})

t.test("in a host server that has tokens and users of its own, neither takes the other's", async t => {
  const host = Fastify()
  t.teardown(() => host.close())
  await host.register(fastifyJwt, { secret: 'the secret of the host, which is another one' })
  host.get('/mine', { onRequest: request => request.jwtVerify() }, async request => request.user)
  const config = loadConfig({ DATABASE_URL: await createDatabase(t), JWT_SECRET: secret })
  await host.register(async function chat (app) { await klatsch(app, { config }) }, { prefix: '/chat' })
  await host.ready()

  const guest = (await host.inject({ method: 'POST', url: '/chat/api/auth/guest' })).json<{ token: string }>()
  const theirs = host.jwt.sign({ sub, username: 'ann', exp: now() + 60 })
  t.equal((await knock(host, `Bearer ${guest.token}`, '/chat/api/auth/refresh')).statusCode, 200)
  t.match((await knock(host, `Bearer ${theirs}`, '/chat/api/auth/refresh')).json<ErrorBody>(), { code: 'CHAT_UNAUTHENTICATED' })
  t.equal((await host.inject({ url: '/mine', headers: { authorization: `Bearer ${theirs}` } })).statusCode, 200)
  t.equal((await host.inject({ url: '/mine', headers: { authorization: `Bearer ${guest.token}` } })).statusCode, 401)
})

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { loadConfig } from '../../app.ts'
import { build, listen, SECRET } from '../support/build.ts'
import { base64, createSigner, serveKeys, signHmac } from '../support/issuers.ts'
import { connect, heard, open, refusal } from '../support/sockets.ts'

const ID = 'https://id.example'
const PARTNER = 'https://partner.example'
const SHARED = 'https://shared.example'
const sharedSecret = 'a secret of the partner, which is not the one of klatsch'
const [current, next, foreign] = [createSigner('one'), createSigner('two'), createSigner('one')]
const curve = createSigner('curve', 'ES256')
const keys = await serveKeys(t, current, curve)

const issuers = [
  { issuer: ID, audience: 'chat', jwks: keys.url, algorithms: ['RS256', 'ES256'], claims: { username: 'name', role: 'chat_role' } },
  { issuer: PARTNER, audience: 'chat', publicKey: current.pem, claims: { id: 'uid', username: 'nick' } },
  { issuer: SHARED, audience: 'chat', secret: sharedSecret }
]
const app = await listen(t, { JWT_ISSUERS: JSON.stringify(issuers) })

const now = () => Math.floor(Date.now() / 1000)
const sub = randomUUID()
const claims = (more: object = {}) => ({ iss: ID, aud: 'chat', sub, name: 'Käthe', iat: now(), exp: now() + 60, ...more })
const partner = (more: object = {}) => claims({ iss: PARTNER, uid: sub, nick: 'Kat', ...more })
const shared = (more: object = {}) => claims({ iss: SHARED, username: 'Kathrin', ...more })
const knock = (token: string) => app.inject({ url: '/api/cafes', headers: { authorization: `Bearer ${token}` } })

t.test('tokens by JWKS, by public key and by shared secret stand for their users, on either transport', async t => {
  await t.resolveMatch(app.identify(current.token(claims())), { user: { id: sub, username: 'Käthe', role: 'member' }, issuer: ID })
  await t.resolveMatch(app.identify(curve.token(claims({ aud: ['other', 'chat'], chat_role: 'admin', role: 'moderator' }))), { user: { role: 'admin' } }, 'a claim that was named gives the role')
  await t.resolveMatch(app.identify(current.token(partner({ sub: 'auth0|5', role: 'admin' }))), { user: { id: sub, username: 'Kat', role: 'member' }, issuer: PARTNER }, 'without one nobody gets any')
  await t.resolveMatch(app.identify(signHmac(shared({ sub: sub.toUpperCase() }), sharedSecret)), { user: { id: sub, username: 'Kathrin' }, issuer: SHARED })
  const socket = await connect(t, app, current.token(claims({ sub: randomUUID() })))
  t.match(heard(socket, 'connected'), [{ username: 'Käthe' }])
  t.equal((await knock(current.token(claims()))).statusCode, 200)
  const refresh = await app.inject({ method: 'POST', url: '/api/auth/refresh', headers: { authorization: `Bearer ${current.token(claims())}` } })
  t.equal(refresh.statusCode, 403, 'only its issuer can prolong it')
  t.match(refresh.json(), { code: 'CHAT_FORBIDDEN' })
})

t.test('hostile tokens: 401 and connect_error, one body for all', async t => {
  const good = current.token(claims())
  const [head, body, signature] = good.split('.') as [string, string, string]
  const jwk = { jwk: foreign.jwk, kid: 'one' }
  const bad: Record<string, string> = {
    'alg none': `${base64({ alg: 'none', typ: 'JWT' })}.${body}.`,
    'alg nOnE': `${base64({ alg: 'nOnE', kid: 'one' })}.${body}.`,
    'no signature': `${head}.${body}.`,
    'HS256 with the public key': signHmac(claims(), current.pem, { alg: 'HS256', kid: 'one' }),
    'HS256 with the public key, other issuer': signHmac(partner(), current.pem),
    'HS256 with the public key and a blank before it': signHmac(partner(), `\n${current.pem}`),
    'HS256 with the key as JSON': signHmac(claims(), JSON.stringify(current.jwk), { alg: 'HS256', kid: 'one' }),
    'HS256 with our own secret': signHmac(claims(), SECRET),
    'HS256 with an empty secret': signHmac(shared(), ''),
    'HS512 with the shared secret': signHmac(shared(), sharedSecret, { alg: 'HS512' }, 'sha512'),
    'an algorithm that is not pinned': current.token(claims(), { alg: 'RS512' }),
    'an algorithm of the wrong family': current.token(claims(), { alg: 'ES256' }),
    'RS256 for the shared secret': current.token(shared()),
    'the key of another': foreign.token(claims()),
    'the key of another issuer': curve.token(partner(), { alg: 'RS256' }),
    'unknown kid': next.token(claims()),
    'kid that is a path': current.token(claims(), { kid: '../../etc/passwd' }),
    'kid that is no text': current.token(claims(), { kid: { toString: 'one' } }),
    'jwk in the header': foreign.token(claims(), jwk),
    'jku in the header': foreign.token(claims(), { jku: 'http://127.0.0.1:9/keys', x5u: 'http://127.0.0.1:9/x', kid: 'x' }),
    'unknown crit': current.token(claims(), { crit: ['x'], x: 1 }),
    'no iss': current.token({ ...claims(), iss: undefined }),
    'iss of nobody': current.token(claims({ iss: 'https://evil.example' })),
    'iss list': current.token(claims({ iss: [ID] })),
    'iss with a slash more': current.token(claims({ iss: `${ID}/` })),
    'no aud': current.token({ ...claims(), aud: undefined }),
    'aud of another service': current.token(claims({ aud: 'mail' })),
    'aud list without us': current.token(claims({ aud: ['mail', 'chats'] })),
    'aud object': current.token(claims({ aud: { chat: true } })),
    'no exp': current.token({ ...claims(), exp: undefined }),
    'exp text': current.token(claims({ exp: '9e99' })),
    expired: current.token(claims({ exp: now() - 3 })),
    'nbf in the future': current.token(claims({ nbf: now() + 3600 })),
    'nbf text': current.token(claims({ nbf: 'tomorrow' })),
    'iat text': current.token(claims({ iat: 'now' })),
    'jti object': current.token(claims({ jti: {} })),
    'sub object': current.token(claims({ sub: {} })),
    'sub list': current.token(claims({ sub: [sub] })),
    'sub text': current.token(claims({ sub: 'auth0|5' })),
    'no sub': current.token({ ...claims(), sub: undefined }),
    'another claim than the one with the id': current.token(partner({ uid: undefined })),
    'no name': current.token({ ...claims(), name: undefined }),
    'name with NUL': current.token(claims({ name: 'a\0b' })),
    'role list': current.token(claims({ chat_role: ['admin'] })),
    'payload list': current.token([claims()]),
    'other body': `${head}.${base64(claims({ chat_role: 'admin' }))}.${signature}`,
    'too long': current.token(claims({ padding: 'x'.repeat(9000) }))
  }
  const asked = keys.asked
  const start = performance.now()
  for (const [name, token] of Object.entries(bad)) {
    const response = await knock(token)
    t.equal(response.statusCode, 401, name)
    t.strictSame(response.json(), { code: 'CHAT_UNAUTHENTICATED', message: 'A valid token is needed' }, name)
    t.strictSame(await refusal(open(t, app, token, { transports: ['websocket'] })), response.json(), `${name}: the socket`)
  }
  t.ok(performance.now() - start < 10_000, 'none of them is slow')
  t.ok(keys.asked - asked <= 1, 'and the issuer is not asked for each key that nobody has')
  t.equal(app.io.of('/').sockets.size, 0)
})

t.test('keys: known tokens cost no request, a new key is found, an old one stays good while the issuer is away', async t => {
  const keys = await serveKeys(t, current)
  const app = await build(t, { JWT_ISSUERS: JSON.stringify([{ issuer: ID, audience: 'chat', jwks: keys.url, claims: { username: 'name' } }]) })
  const token = current.token(claims())
  await Promise.all(Array.from({ length: 20 }, (_, n) => app.identify(current.token(claims({ jti: `${n}` })))))
  for (let n = 0; n < 20; n++) await app.identify(token)
  t.equal(keys.asked, 1, 'one request for all')

  await t.rejects(app.identify(next.token(claims())), { code: 'CHAT_UNAUTHENTICATED' })
  keys.answer.body = JSON.stringify({ keys: [current.jwk, next.jwk] })
  const realNow = Date.now
  t.teardown(() => { Date.now = realNow })
  Date.now = () => realNow() + 11_000
  await t.resolves(app.identify(next.token(claims())), 'found at once when the issuer may be asked again')
  t.equal(keys.asked, 2)

  keys.answer = { status: 500, body: '' }
  Date.now = () => realNow() + 30_000
  await t.resolves(app.identify(current.token(claims({ jti: 'late' }))))
  await t.rejects(app.identify(createSigner('three').token(claims())), { code: 'CHAT_UNAUTHENTICATED' })
})

t.test('an issuer that never answered: 503, soon and seldom asked; what is no key set is none', async t => {
  const silent = createServer(() => {})
  await new Promise<void>(resolve => { silent.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { silent.close() })
  const keys = await serveKeys(t)
  keys.answer.status = 500
  const large = JSON.stringify({ keys: [current.jwk], padding: 'x'.repeat(300_000) })
  const issuer = (name: string, jwks: string) => ({ issuer: name, audience: 'chat', jwks, claims: { username: 'name' } })
  const app = await build(t, { JWT_ISSUERS: JSON.stringify([issuer('silent', `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`), issuer('odd', keys.url)]) })
  const refused = { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 }
  await Promise.all([1, 2, 3].map(() => t.rejects(app.identify(current.token(claims({ iss: 'silent' }))), refused)))
  await t.resolves(app.identify(app.issue({ id: sub, username: 'ann', role: 'member' }).token), 'others are not concerned')
  const realNow = Date.now
  t.teardown(() => { Date.now = realNow })
  for (const [n, answer] of [{ status: 200, body: large }, { status: 200, body: '[]' }, { status: 302, body: '' }, { status: 404, body: '' }].entries()) {
    Object.assign(keys, { answer })
    Date.now = () => realNow() + 2000 * (n + 1)
    const asked = keys.asked
    for (let n = 0; n < 5; n++) await t.rejects(app.identify(current.token(claims({ iss: 'odd' }))), refused)
    t.equal(keys.asked, asked + 1, `${answer.status}: asked once`)
  }
})

t.test('a wrong JWT_ISSUERS stops the start, by field and rule and without its values', async t => {
  const right = { issuer: ID, audience: 'chat', secret: sharedSecret }
  const wrong: Array<[unknown, RegExp]> = [
    ['{', /JWT_ISSUERS must be JSON/],
    [{}, /JWT_ISSUERS must be array/],
    [[{ ...right, audience: undefined }], /JWT_ISSUERS\/0 must have required property 'audience'/],
    [[{ ...right, secret: undefined }], /JWT_ISSUERS\/0 must have one of secret, publicKey and jwks/],
    [[{ ...right, publicKey: current.pem }], /must have one of/],
    [[{ ...right, secret: 'espresso' }], /JWT_ISSUERS\/0\/secret must NOT have fewer than 32/],
    [[{ ...right, secret: 'super-secret-jwt-token-with-at-least-32-characters-long' }], /known from an example/],
    [[{ ...right, algorithms: ['RS256'] }], /must not have algorithms beside a secret/],
    [[{ ...right, secret: undefined, publicKey: '-----BEGIN PUBLIC KEY-----\nx' }], /must have a publicKey in PEM/],
    [[{ ...right, secret: undefined, publicKey: current.pem, algorithms: ['none'] }], /algorithms\/0 must be equal to one of/],
    [[{ ...right, secret: undefined, publicKey: current.pem, algorithms: ['HS256'] }], /algorithms\/0 must be equal to one of/],
    [[{ ...right, secret: undefined, jwks: 'http://id.example/keys' }], /jwks must match pattern/],
    [[{ ...right, secret: undefined, jwks: 'https://ann:espresso@id.example' }], /jwks must match pattern/],
    [[right, right], /must name each issuer once/],
    [[{ ...right, extra: 1 }], /must NOT have additional properties/]
  ]
  for (const [value, message] of wrong) {
    const JWT_ISSUERS = typeof value === 'string' ? value : JSON.stringify(value)
    t.throws(() => loadConfig({ JWT_ISSUERS }), { message }, JWT_ISSUERS.slice(0, 80))
    t.throws(() => loadConfig({ JWT_ISSUERS }), { message: /^(?!.*espresso)/s })
  }
  t.match(loadConfig({ JWT_ISSUERS: JSON.stringify([right]) }).jwt.issuers, [{ claims: { id: 'sub', username: 'username' } }])
  const mismatch = { issuer: ID, audience: 'chat', publicKey: curve.pem, algorithms: ['RS256'] }
  await t.rejects(build(t, { JWT_ISSUERS: JSON.stringify([mismatch]) }), { message: /^JWT_ISSUERS\/0: its key and its algorithms do not fit/ })
})

import { createHmac, generateKeyPairSync, randomUUID, sign as signBy } from 'node:crypto'
import { SECRET } from '../support/build.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const HEADER = { alg: 'HS256', typ: 'JWT' }

const seal = (text: string, secret: string, hash = 'sha256') => `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`

/** A token signed as the server does it: what may be wrong with it is what it says. */
export const forge = (claims: unknown, header: object = HEADER, secret = SECRET) => seal(`${encode(header)}.${encode(claims)}`, secret)

/** Another issuer, whom the server trusts. */
export const ISSUER = { issuer: 'https://id.example', audience: 'chat', secret: 'a secret of the issuer, which is not the one of klatsch' }

/** The most characters that a token may have. */
const LONGEST = 8192

/** A good token of so many characters. */
function forgeOf (length: number, claims: object, secret = SECRET): string {
  const rest = forge({}, HEADER, secret).length - encode({}).length
  const bytes = Math.floor((length - rest) * 3 / 4)
  return forge({ ...claims, more: 'x'.repeat(bytes - JSON.stringify({ ...claims, more: '' }).length) }, HEADER, secret)
}

const hour = () => {
  const iat = Math.floor(Date.now() / 1000)
  return { iat, exp: iat + 3600 }
}

/** Good tokens of a user, by name, and one that is too long. */
export function createTokens (name: string, claims: { sub: string, username: string, role?: string, iss?: string, aud?: string }, secret = SECRET): Record<string, string> {
  const all = { ...claims, ...hour() }
  return {
    [name]: forge(all, HEADER, secret),
    [`${name}, longest`]: forgeOf(LONGEST, all, secret),
    [`${name}, too long`]: forgeOf(LONGEST + 1, all, secret),
    [`${name} in upper case`]: forge({ ...all, sub: claims.sub.toUpperCase() }, HEADER, secret)
  }
}

const accountOf = (username: string) => ({ iss: ISSUER.issuer, aud: ISSUER.audience, sub: randomUUID(), username })

/** The same of an account of the issuer that nobody has seen. */
export const createAccount = (name: string, username: string) => createTokens(name, accountOf(username), ISSUER.secret)

/** Tokens that name the issuer and are no good, by what is wrong. */
export function createBadAccounts (): Record<string, string> {
  const { aud, ...others } = { ...accountOf('mallory'), ...hour() }
  return {
    'our secret': forge({ ...others, aud }),
    'another audience': forge({ ...others, aud: 'mail' }, HEADER, ISSUER.secret),
    'no audience': forge(others, HEADER, ISSUER.secret),
    'unknown issuer': forge({ ...others, aud, iss: 'https://id.example.org' }, HEADER, ISSUER.secret),
    'no id': forge({ ...others, aud, sub: 'auth0|5' }, HEADER, ISSUER.secret)
  }
}

/** Tokens that must not open a door, by the name of the trick. `good`: one that does, to be spoilt. */
export function createForgeries (good: string): Record<string, string> {
  const now = Math.floor(Date.now() / 1000)
  const sub = randomUUID()
  const claims = { sub, username: 'mallory', role: 'admin', iat: now, exp: now + 3600 }
  const unsigned = (alg: string) => `${encode({ alg, typ: 'JWT' })}.${encode(claims)}.`
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const byRsa = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
  const [head, body, signature] = good.split('.') as [string, string, string]
  const without = (name: keyof typeof claims) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
  return {
    none: unsigned('none'),
    None: unsigned('None'),
    nOnE: unsigned('nOnE'),
    'another secret': forge(claims, HEADER, `${SECRET}!`),
    HS512: seal(`${encode({ alg: 'HS512', typ: 'JWT' })}.${encode(claims)}`, SECRET, 'sha512'),
    RS256: `${byRsa}.${signBy('sha256', Buffer.from(byRsa), privateKey).toString('base64url')}`,
    'no signature': `${head}.${body}.`,
    cut: `${head}.${body}.${signature.slice(0, -2)}`,
    'no exp': forge(without('exp')),
    'exp of null': forge({ ...claims, exp: null }),
    'exp of text': forge({ ...claims, exp: '9e99' }),
    'exp of -1': forge({ ...claims, exp: -1 }),
    'sub of an object': forge({ ...claims, sub: {} }),
    'sub of an array': forge({ ...claims, sub: [sub] }),
    'sub of 10 kB': forge({ ...claims, sub: sub.repeat(60) }),
    'no sub': forge(without('sub')),
    'sub that is no id': forge({ ...claims, sub: 'mallory' }),
    'no username': forge(without('username')),
    'invisible username': forge({ ...claims, username: '\u200b\u3164' }),
    'payload of an array': forge([claims]),
    'critical header': forge(claims, { ...HEADER, crit: ['trust'], trust: true }),
    'embedded key': forge(claims, { ...HEADER, jwk: publicKey.export({ format: 'jwk' }), jku: 'https://example.org/keys', kid: '../../etc/passwd' }, JSON.stringify(publicKey.export({ format: 'jwk' }))),
    '10 kB': forge({ ...claims, more: 'x'.repeat(10_000) }),
    expired: forge({ ...claims, exp: now - 60 }),
    'not yet': forge({ ...claims, nbf: now + 3600 })
  }
}

import { Type, type Static } from '@sinclair/typebox'
import { OneOf, Strict } from './common.ts'

/** How tokens of a public key may be signed. Nothing of a shared secret is among them, and never `none`. */
export const signatures = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

/** A bit more than what a secret of 256 bits takes. */
export const MIN_SECRET_LENGTH = 32

const ClaimName = Type.String({ minLength: 1, maxLength: 200 })

/** Somebody else whose tokens are taken: exactly one of `secret`, `publicKey` and `jwks`. */
export const Issuer = Strict({
  issuer: Type.String({ minLength: 1, maxLength: 500, description: 'What its tokens have as `iss`' }),
  audience: Type.String({ minLength: 1, maxLength: 500, description: 'What they have as `aud`, or among it' }),
  secret: Type.Optional(Type.String({ minLength: MIN_SECRET_LENGTH, description: 'Shared with it (HS256)' })),
  publicKey: Type.Optional(Type.String({ pattern: '^-----BEGIN PUBLIC KEY-----\\s', description: 'PEM' })),
  // A key that comes in clear could be anybody's, except from this very machine.
  jwks: Type.Optional(Type.String({ pattern: '^(https://[^\\s@]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])[:/][^\\s@]*)$', description: 'Where its keys are' })),
  algorithms: Type.Optional(Type.Array(OneOf(signatures), { minItems: 1, uniqueItems: true, description: 'Of a public key or of `jwks`; RS256 unless said' })),
  claims: Strict({
    id: Type.String({ ...ClaimName, default: 'sub', description: "The claim with the user's id, a UUID" }),
    username: Type.String({ ...ClaimName, default: 'username', description: 'The one with the name' }),
    role: Type.Optional(Type.String({ ...ClaimName, description: 'The one with the role; without it all are members' }))
  }, { default: {} })
})
export type Issuer = Static<typeof Issuer>

/** JWT_ISSUERS, once its JSON is read. */
export const Issuers = Type.Array(Issuer, { maxItems: 16 })

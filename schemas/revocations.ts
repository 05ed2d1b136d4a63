import { Type, type Static } from '@sinclair/typebox'
import { NAME_PATTERN, Strict, Timestamp, UserId } from './common.ts'
import { userId } from './examples.ts'

/** Whatever its issuer made up that the database can hold as it is. */
const TokenId = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\u0000\\p{Cs}]*$', description: "The token's `jti`", examples: ['6f1c8c1e-2f0e-4f7b-9a3b-6d1c2e3f4a5b'] })

/** Exactly one of `userId` and `tokenId`. */
export const RevocationRequest = Strict({
  userId: Type.Optional(UserId),
  tokenId: Type.Optional(TokenId),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200, pattern: NAME_PATTERN, description: 'Why, for those who keep the place', examples: ['Lost their phone'] }))
}, { $id: 'RevocationRequest', title: 'RevocationRequest', description: 'Whose tokens are taken back, or which one', examples: [{ userId, reason: 'Lost their phone' }, { tokenId: '6f1c8c1e-2f0e-4f7b-9a3b-6d1c2e3f4a5b' }] })
export type RevocationRequest = Static<typeof RevocationRequest>

export const TokenRevocation = Strict({
  userId: Type.Optional(UserId),
  tokenId: Type.Optional(TokenId),
  revokedAt: Type.String({ ...Timestamp, description: 'Of a user: tokens that were made up to here are not good any more' }),
  endsAt: Type.String({ ...Timestamp, description: 'By then every such token has ended by itself', examples: ['2025-12-19T10:00:00.000Z'] })
}, {
  $id: 'TokenRevocation',
  title: 'TokenRevocation',
  description: 'Tokens that are not good any more',
  examples: [{ userId, revokedAt: '2025-11-19T10:00:00.000Z', endsAt: '2025-12-19T10:00:00.000Z' }]
})
export type TokenRevocation = Static<typeof TokenRevocation>

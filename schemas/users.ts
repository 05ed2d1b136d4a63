import { Type, type Static } from '@sinclair/typebox'
import { NAME_PATTERN, OneOf, Ref, Strict, Timestamp, Uuid } from './common.ts'

/** 1 to 64 characters. */
export const Username = Type.String({ minLength: 1, maxLength: 64, pattern: NAME_PATTERN, examples: ['HappyOtter42'] })

export const Role = OneOf(['member', 'moderator', 'admin'] as const, { description: 'Moderators and admins may delete any message' })
export type Role = Static<typeof Role>

export const User = Strict({
  id: Uuid,
  username: Username,
  role: Role
}, { $id: 'User', title: 'User', description: 'A person who may talk' })
export type User = Static<typeof User>

/** What a token must carry. Tokens of other issuers may carry more; `sub` is lower-cased before this check. */
export const TokenClaims = Type.Object({
  sub: Uuid,
  username: Username,
  role: Type.Optional(Type.String({ description: 'A role klatsch does not know counts as member' })),
  iat: Type.Optional(Type.Number()),
  exp: Type.Number({ exclusiveMinimum: 0 })
})
export type TokenClaims = Static<typeof TokenClaims>

export const GuestRequest = Strict({ username: Type.Optional(Username) }, { $id: 'GuestRequest', title: 'GuestRequest', description: 'The name a guest wants to go by' })
export type GuestRequest = Static<typeof GuestRequest>

export const Session = Strict({
  token: Type.String({ description: 'Bearer token for REST, `auth.token` for the socket' }),
  user: Ref(User),
  expiresAt: Timestamp
}, { $id: 'Session', title: 'Session', description: 'A token and whom it stands for' })
export type Session = Static<typeof Session>

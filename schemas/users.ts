import { Type, type Static } from '@sinclair/typebox'
import { NAME_PATTERN, OneOf, Ref, Strict, Timestamp, UserId, Uuid } from './common.ts'
import { person } from './examples.ts'

/** 1 to 64 characters. */
export const Username = Type.String({ minLength: 1, maxLength: 64, pattern: NAME_PATTERN, description: 'What a user goes by; need not be unique', examples: ['HappyOtter42'] })

/** A name as it is shown. Those of other issuers' tokens were checked when they came in. */
export const ShownName = Type.String({ description: 'What the user goes by; need not be unique', examples: ['HappyOtter42'] })

export const Role = OneOf(['member', 'moderator', 'admin'] as const, { $id: 'Role', title: 'Role', description: 'Moderators and admins may delete any message', examples: ['member'] })
export type Role = Static<typeof Role>

export const User = Strict({
  id: UserId,
  username: Username,
  role: Ref(Role)
}, { $id: 'User', title: 'User', description: 'A person who may talk', examples: [{ ...person, role: 'member' }] })
export type User = Static<typeof User>

/** What a token must carry. Tokens of other issuers may carry more; `sub` is lower-cased before this check. */
export const TokenClaims = Type.Object({
  sub: Uuid,
  username: Username,
  role: Type.Optional(Type.String({ description: 'A role klatsch does not know counts as member' })),
  iat: Type.Optional(Type.Number()),
  jti: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  exp: Type.Number({ exclusiveMinimum: 0 })
})
export type TokenClaims = Static<typeof TokenClaims>

export const GuestRequest = Strict({ username: Type.Optional(Username) }, { $id: 'GuestRequest', title: 'GuestRequest', description: 'The name a guest wants to go by; without one a friendly name is made up', examples: [{ username: 'Ann' }, {}] })
export type GuestRequest = Static<typeof GuestRequest>

const TOKEN = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.Et9HFtf9R3GEMA0IICOfFMVXY7kkTX1wr4qCyhIf58U'

export const Session = Strict({
  token: Type.String({ description: 'Bearer token for REST, `auth.token` for the socket', examples: [TOKEN] }),
  user: Ref(User),
  expiresAt: Type.String({ ...Timestamp, description: 'When the token ends', examples: ['2025-11-20T10:00:00.000Z'] })
}, {
  $id: 'Session',
  title: 'Session',
  description: 'A token and whom it stands for',
  examples: [{ token: TOKEN, user: { ...person, role: 'member' }, expiresAt: '2025-11-20T10:00:00.000Z' }]
})
export type Session = Static<typeof Session>

export const TokenRequest = Strict({
  token: Type.String({ minLength: 1, description: 'A token, as it would be in a header', examples: [TOKEN] })
}, { $id: 'TokenRequest', title: 'TokenRequest', description: 'Another token than the one that is in use', examples: [{ token: TOKEN }] })
export type TokenRequest = Static<typeof TokenRequest>

export const TokenHolder = Strict({
  user: Ref(User),
  expiresAt: Type.String({ ...Timestamp, description: 'When that token ends', examples: ['2025-11-21T10:00:00.000Z'] })
}, {
  $id: 'TokenHolder',
  title: 'TokenHolder',
  description: 'Whom a token stands for from now on, and until when',
  examples: [{ user: { ...person, role: 'member' }, expiresAt: '2025-11-21T10:00:00.000Z' }]
})
export type TokenHolder = Static<typeof TokenHolder>

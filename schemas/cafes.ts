import { Type, type Static } from '@sinclair/typebox'
import { Counter, NAME_PATTERN, Ref, Strict, Timestamp, Uuid } from './common.ts'

export const CafeName = Type.String({ minLength: 1, maxLength: 100, pattern: NAME_PATTERN, examples: ['Corner Table'] })

export const Cafe = Strict({
  id: Uuid,
  name: CafeName,
  createdAt: Timestamp,
  seq: Type.Integer({ minimum: 0, description: 'Number of the newest message' }),
  rev: Type.Integer({ minimum: 0, description: 'Number of the newest change' }),
  userCount: Type.Integer({ minimum: 0, description: 'Users who are in it now' })
}, { $id: 'Cafe', title: 'Cafe', description: 'A public room' })
export type Cafe = Static<typeof Cafe>

export const CafeRequest = Strict({ name: CafeName }, { $id: 'CafeRequest', title: 'CafeRequest', description: 'A new cafe' })
export type CafeRequest = Static<typeof CafeRequest>

export const CafeListQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$', description: '`nextCursor` of the page before' }))
})
export type CafeListQuery = Static<typeof CafeListQuery>

export const CafeList = Strict({
  cafes: Type.Array(Ref(Cafe)),
  nextCursor: Type.Optional(Type.String())
}, { $id: 'CafeList', title: 'CafeList', description: 'Cafes, newest first' })
export type CafeList = Static<typeof CafeList>

/** Names a cafe, as most socket events do. */
export const CafeRef = Strict({ cafeId: Uuid }, { $id: 'CafeRef', title: 'CafeRef', description: 'Names a cafe' })
export type CafeRef = Static<typeof CafeRef>

export const JoinRequest = Strict({
  cafeId: Uuid,
  since: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'The `rev` the client holds: send only what changed after it' }))
}, { $id: 'JoinRequest', title: 'JoinRequest', description: 'Enter a cafe, or come back to it' })
export type JoinRequest = Static<typeof JoinRequest>

export const JoinReply = Strict({
  cafeId: Uuid,
  rev: Counter,
  seq: Counter,
  userCount: Counter,
  recovered: Type.Boolean({ description: 'True: the history sent before this ack holds exactly what changed after `since`' })
}, { $id: 'JoinReply', title: 'JoinReply', description: 'Where the cafe stands; every later change follows live' })
export type JoinReply = Static<typeof JoinReply>

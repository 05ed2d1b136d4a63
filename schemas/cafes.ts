import { Type, type Static } from '@sinclair/typebox'
import { CafeId, Count, NAME_PATTERN, Ref, Rev, Seq, Strict, Timestamp } from './common.ts'
import * as example from './examples.ts'

export const CafeName = Type.String({ minLength: 1, maxLength: 100, pattern: NAME_PATTERN, description: 'What people call the cafe; need not be unique', examples: ['Corner Table'] })

const UserCount = Count('How many users are in the cafe now, each once', { examples: [2] })

export const Cafe = Strict({
  id: CafeId,
  name: CafeName,
  createdAt: Timestamp,
  seq: Seq,
  rev: Rev,
  userCount: UserCount
}, { $id: 'Cafe', title: 'Cafe', description: 'A public room', examples: [example.cafe] })
export type Cafe = Static<typeof Cafe>

export const CafeRequest = Strict({ name: CafeName }, { $id: 'CafeRequest', title: 'CafeRequest', description: 'A new cafe', examples: [{ name: 'Corner Table' }] })
export type CafeRequest = Static<typeof CafeRequest>

const CURSOR = 'MjAyNS0xMS0xOVQwOTowMDowMC4wMDBaIDNmMmI5YzFl'

export const CafeListQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'How many cafes to name' })),
  cursor: Type.Optional(Type.String({ maxLength: 100, pattern: '^[A-Za-z0-9_-]+$', description: '`nextCursor` of the page before' }))
})
export type CafeListQuery = Static<typeof CafeListQuery>

export const CafeList = Strict({
  cafes: Type.Array(Ref(Cafe), { description: 'Newest first' }),
  nextCursor: Type.Optional(Type.String({ description: 'There are more: ask for them with it as `cursor`', examples: [CURSOR] }))
}, { $id: 'CafeList', title: 'CafeList', description: 'Cafes, newest first', examples: [{ cafes: [example.cafe], nextCursor: CURSOR }] })
export type CafeList = Static<typeof CafeList>

/** Names a cafe, as most socket events do. */
export const CafeRef = Strict({ cafeId: CafeId }, { $id: 'CafeRef', title: 'CafeRef', description: 'Names a cafe', examples: [{ cafeId: example.cafeId }] })
export type CafeRef = Static<typeof CafeRef>

export const JoinRequest = Strict({
  cafeId: CafeId,
  since: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'The `rev` the client holds: send only what changed after it', examples: [7] }))
}, { $id: 'JoinRequest', title: 'JoinRequest', description: 'Enter a cafe, or come back to it', examples: [{ cafeId: example.cafeId }, { cafeId: example.cafeId, since: 7 }] })
export type JoinRequest = Static<typeof JoinRequest>

export const JoinReply = Strict({
  cafeId: CafeId,
  rev: Rev,
  seq: Seq,
  userCount: UserCount,
  recovered: Type.Boolean({ description: 'True: the history sent before this ack holds exactly what changed after `since`' })
}, { $id: 'JoinReply', title: 'JoinReply', description: 'Where the cafe stands; every later change follows live', examples: [{ cafeId: example.cafeId, rev: 9, seq: 7, userCount: 2, recovered: true }] })
export type JoinReply = Static<typeof JoinReply>

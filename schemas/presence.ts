import { Type, type Static } from '@sinclair/typebox'
import { Counter, OneOf, Ref, Strict, Timestamp, Uuid } from './common.ts'

export const Status = OneOf(['online', 'away', 'busy'] as const, { description: 'What a user says of themselves' })
export type Status = Static<typeof Status>

export const StatusRequest = Strict({ status: Status }, { $id: 'StatusRequest', title: 'StatusRequest', description: 'A new status, in every cafe at once' })
export type StatusRequest = Static<typeof StatusRequest>

export const Member = Strict({
  id: Uuid,
  username: Type.String(),
  status: Status,
  lastSeen: Timestamp
}, { $id: 'Member', title: 'Member', description: 'A user who is in a cafe' })
export type Member = Static<typeof Member>

export const PresenceQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1000, description: 'How many users to name; the count is of all' }))
})
export type PresenceQuery = Static<typeof PresenceQuery>

export const CafePresence = Strict({
  cafeId: Uuid,
  userCount: Counter,
  users: Type.Array(Ref(Member))
}, { $id: 'CafePresence', title: 'CafePresence', description: 'Who is in a cafe' })
export type CafePresence = Static<typeof CafePresence>

export const Person = Strict({ id: Uuid, username: Type.String() }, { $id: 'Person', title: 'Person', description: 'A user in a few words' })
export type Person = Static<typeof Person>

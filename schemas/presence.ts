import { Type, type Static } from '@sinclair/typebox'
import { CafeId, Count, LINE_PATTERN, OneOf, Ref, Strict, Timestamp, UserId, Uuid } from './common.ts'
import { cafeId, lastSeen, person, userId, words as away } from './examples.ts'
import { ShownName } from './users.ts'

export const Status = OneOf(['online', 'away', 'busy'] as const, { $id: 'Status', title: 'Status', description: 'What a user says of themselves', examples: ['online'] })
export type Status = Static<typeof Status>

const StatusText = Type.String({ maxLength: 100, pattern: LINE_PATTERN, description: 'In their own words, at most 100 code points', examples: ['Mittagspause ☕'] })

/** How long a text stands, milliseconds: by default, and at most. */
export const TEXT_FOR_MS = 24 * 3_600_000
const TEXT_FOR_MOST_MS = 30 * TEXT_FOR_MS

export const StatusRequest = Strict({
  status: Ref(Status),
  text: Type.Optional(Type.String({ ...StatusText, description: 'A few words, shown until they expire; empty takes them away, without it they stay' })),
  textForMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: TEXT_FOR_MOST_MS, description: 'How long the text stands; a day unless said', examples: [3_600_000] }))
}, { $id: 'StatusRequest', title: 'StatusRequest', description: 'A new status, in every cafe at once', examples: [{ status: 'away' }, { status: 'away', text: 'Mittagspause ☕', textForMs: 3_600_000 }] })
export type StatusRequest = Static<typeof StatusRequest>

const words = {
  text: Type.Optional(StatusText),
  textExpiresAt: Type.Optional(Type.String({ ...Timestamp, description: 'From then on the text does not hold any more', examples: ['2025-11-19T11:00:00.000Z'] }))
}

export const StatusReply = Strict({ status: Ref(Status), ...words }, { $id: 'StatusReply', title: 'StatusReply', description: 'The status that holds now', examples: [away] })
export type StatusReply = Static<typeof StatusReply>

const LastSeen = Type.String({ ...Timestamp, description: 'When they last came, went, sent, typed or set their status' })

/** By another name in documents: in generated Go `Member` is the role. */
export const Member = Strict({
  id: UserId,
  username: ShownName,
  status: Ref(Status),
  lastSeen: LastSeen,
  ...words
}, { $id: 'CafeMember', title: 'CafeMember', description: 'A user who is in a cafe', examples: [{ ...person, status: 'online', lastSeen }, { ...person, lastSeen, ...away }] })
export type Member = Static<typeof Member>

export const UserStatus = OneOf(['online', 'away', 'busy', 'offline'] as const, { $id: 'UserStatus', title: 'UserStatus', description: 'How a user is; `offline`: in no cafe', examples: ['offline'] })
export type UserStatus = Static<typeof UserStatus>

export const UserPresence = Strict({
  id: UserId,
  username: ShownName,
  status: Ref(UserStatus),
  lastSeen: LastSeen,
  ...words
}, { $id: 'UserPresence', title: 'UserPresence', description: 'A user, wherever they are', examples: [{ ...person, status: 'offline', lastSeen }] })
export type UserPresence = Static<typeof UserPresence>

export const PresenceQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1000, description: 'How many users to name; the count is of all' })),
  cursor: Type.Optional(Type.String({ format: 'uuid', description: '`nextCursor` of the page before' }))
})
export type PresenceQuery = Static<typeof PresenceQuery>

export const CafePresence = Strict({
  cafeId: CafeId,
  userCount: Count('How many users are in the cafe, named here or not', { examples: [1] }),
  users: Type.Array(Ref(Member), { description: 'In the order of their ids' }),
  nextCursor: Type.Optional(Type.String({ ...Uuid, description: 'There are more: ask for those after it, with it as `cursor`', examples: [userId] }))
}, { $id: 'CafePresence', title: 'CafePresence', description: 'Who is in a cafe', examples: [{ cafeId, userCount: 1, users: [{ ...person, status: 'online', lastSeen }] }] })
export type CafePresence = Static<typeof CafePresence>

const ID = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const MOST_USERS = 200

export const UsersQuery = Strict({
  userIds: Type.String({ pattern: `^${ID}(,${ID}){0,${MOST_USERS - 1}}$`, description: `1 to ${MOST_USERS} ids, with commas between`, examples: [userId] })
})
export type UsersQuery = Static<typeof UsersQuery>

export const UserPresences = Strict({
  users: Type.Array(Ref(UserPresence), { description: 'Each once; of whom nothing is known is left out' })
}, { $id: 'UserPresences', title: 'UserPresences', description: 'How some users are', examples: [{ users: [{ ...person, status: 'offline', lastSeen }] }] })
export type UserPresences = Static<typeof UserPresences>

export const Person = Strict({ id: UserId, username: ShownName }, { $id: 'Person', title: 'Person', description: 'A user in a few words', examples: [person] })
export type Person = Static<typeof Person>

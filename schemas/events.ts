import { Type, type Static } from '@sinclair/typebox'
import { CafeRef, JoinReply, JoinRequest } from './cafes.ts'
import { CafeId, Count, MessageId, OneOf, Ref, Rev, Strict, Timestamp, UserId } from './common.ts'
import type { EventMap, Listeners } from './contract.ts'
import { ErrorBody } from './errors.ts'
import * as example from './examples.ts'
import { DeleteReply, EditReply, EditRequest, Message, MessageRef, SendReply, SendRequest } from './messages.ts'
import { Member, Person, StatusReply, StatusRequest } from './presence.ts'
import { TopicsUpdate } from './topics.ts'
import { ShownName, TokenHolder, TokenRequest } from './users.ts'

const limits = { maxLength: 500, historyLimit: 50, typingTimeoutMs: 3000 }

export const Limits = Strict({
  maxLength: Type.Integer({ description: 'Code points of a message, at most', examples: [limits.maxLength] }),
  historyLimit: Type.Integer({ description: 'Messages of a first page', examples: [limits.historyLimit] }),
  typingTimeoutMs: Type.Integer({ description: 'An indicator ends after this long without another typing:start', examples: [limits.typingTimeoutMs] })
}, { $id: 'Limits', title: 'Limits', description: 'What this server takes, and for how long', examples: [limits] })
export type Limits = Static<typeof Limits>

export const Connected = Strict({
  userId: UserId,
  username: ShownName,
  serverTime: Type.String({ ...Timestamp, description: 'What the server has for now, for clients whose clock is wrong' }),
  expiresAt: Type.String({ ...Timestamp, description: 'When the token ends: renew it before, with auth:refresh', examples: ['2025-11-20T10:00:00.000Z'] }),
  limits: Ref(Limits)
}, {
  $id: 'Connected',
  title: 'Connected',
  description: 'The first event of every connection',
  examples: [{ userId: example.userId, username: 'HappyOtter42', serverTime: '2025-11-19T10:00:00.000Z', expiresAt: '2025-11-20T10:00:00.000Z', limits }]
})
export type Connected = Static<typeof Connected>

export const MessageEvent = Strict({
  message: Ref(Message),
  rev: Type.Integer({ minimum: 1, description: 'The step of the log that this event is: who has heard it holds this rev. `message.rev` may be newer', examples: [9] })
}, { $id: 'MessageEvent', title: 'MessageEvent', description: 'A message in its present state', examples: [{ message: example.message, rev: 9 }] })
export type MessageEvent = Static<typeof MessageEvent>

export const MessageHistory = Strict({
  cafeId: CafeId,
  messages: Type.Array(Ref(Message), { description: 'Newest first, each message once' }),
  rev: Rev,
  recovered: Type.Boolean({ description: 'True: exactly what changed after `since`, to be laid over what you have. False: a fresh page, which replaces it' })
}, {
  $id: 'MessageHistory',
  title: 'MessageHistory',
  description: 'What a join begins with',
  examples: [{ cafeId: example.cafeId, messages: [example.message], rev: 9, recovered: true }]
})
export type MessageHistory = Static<typeof MessageHistory>

export const MessageDeleted = Strict({
  cafeId: CafeId,
  messageId: MessageId,
  seq: Message.properties.seq,
  rev: Rev,
  deletedAt: Type.String({ ...Timestamp, description: 'When it was deleted' })
}, {
  $id: 'MessageDeleted',
  title: 'MessageDeleted',
  description: 'A message became a tombstone',
  examples: [{ cafeId: example.cafeId, messageId: example.messageId, seq: 7, rev: 12, deletedAt: '2025-11-19T10:04:30.120Z' }]
})
export type MessageDeleted = Static<typeof MessageDeleted>

// No `maxItems`: of that generators make a tuple for each length.
const People = (what: string) => Type.Array(Ref(Person), { description: `${what}; a sample of at most 20` })
const UserCount = Count('How many users are in the cafe now, each once', { examples: [2] })
const cameIn = { cafeId: example.cafeId, userCount: 2, action: 'join', user: example.person }
const summary = { cafeId: example.cafeId, userCount: 240, action: 'sync', joined: [example.person], left: [] }

export const UsersAction = OneOf(['join', 'leave'] as const, { $id: 'UsersAction', title: 'UsersAction', description: 'Whether somebody came or went', examples: ['join'] })
export type UsersAction = Static<typeof UsersAction>

export const UserCameOrWent = Strict({
  cafeId: CafeId,
  userCount: UserCount,
  action: Ref(UsersAction),
  user: Ref(Person)
}, { $id: 'UserCameOrWent', title: 'UserCameOrWent', description: 'One user came or went, in a small, quiet room', examples: [cameIn] })
export type UserCameOrWent = Static<typeof UserCameOrWent>

export const UsersSummary = Strict({
  cafeId: CafeId,
  userCount: UserCount,
  action: Type.Literal('sync', { description: 'Says that this is a summary', examples: ['sync'] }),
  joined: People('Who came'),
  left: People('Who went')
}, { $id: 'UsersSummary', title: 'UsersSummary', description: 'Who came and went lately, in a large or busy room', examples: [summary] })
export type UsersSummary = Static<typeof UsersSummary>

export const UsersUpdate = Type.Union([Ref(UserCameOrWent), Ref(UsersSummary)], {
  $id: 'UsersUpdate',
  title: 'UsersUpdate',
  description: 'The count changed: one user in a small, quiet room, a summary (`sync`) in a large or busy one',
  examples: [cameIn, summary]
})
export type UsersUpdate = Static<typeof UsersUpdate>

export const TypingIndicator = Strict({
  cafeId: CafeId,
  userId: UserId,
  username: ShownName,
  isTyping: Type.Boolean({ description: 'Whether they type now' }),
  typists: Type.Optional(Type.Array(Ref(Person), { description: 'In a large room: a sample of at most five of all who type now' })),
  count: Type.Optional(Type.Integer({ minimum: 0, description: 'In a large room: how many type now', examples: [12] }))
}, {
  $id: 'TypingIndicator',
  title: 'TypingIndicator',
  description: 'Somebody else began or ceased to type; in a large room at most once a second',
  examples: [
    { cafeId: example.cafeId, userId: example.userId, username: 'HappyOtter42', isTyping: true },
    { cafeId: example.cafeId, userId: example.userId, username: 'HappyOtter42', isTyping: true, typists: [example.person], count: 12 }
  ]
})
export type TypingIndicator = Static<typeof TypingIndicator>

export const PresenceUpdate = Strict({
  cafeId: CafeId,
  userId: UserId,
  username: ShownName,
  status: Member.properties.status,
  lastSeen: Member.properties.lastSeen,
  text: Member.properties.text,
  textExpiresAt: Member.properties.textExpiresAt
}, {
  $id: 'PresenceUpdate',
  title: 'PresenceUpdate',
  description: 'A member changed their status',
  examples: [{ cafeId: example.cafeId, userId: example.userId, username: 'HappyOtter42', lastSeen: example.lastSeen, ...example.words }]
})
export type PresenceUpdate = Static<typeof PresenceUpdate>

export const ServerDraining = Strict({
  reconnectAfterMs: Type.Integer({ minimum: 0, description: 'Wait a random time up to this before connecting again', examples: [3000] })
}, { $id: 'ServerDraining', title: 'ServerDraining', description: 'This node is about to stop', examples: [{ reconnectAfterMs: 3000 }] })
export type ServerDraining = Static<typeof ServerDraining>

export const TokenEnd = OneOf(['expired', 'revoked'] as const, { $id: 'TokenEnd', title: 'TokenEnd', description: 'Whether a token has reached its end or was taken back', examples: ['expired'] })

export const AuthExpired = Strict({
  reason: Ref(TokenEnd)
}, { $id: 'AuthExpired', title: 'AuthExpired', description: 'The token of this connection is not good any more: the connection ends', examples: [{ reason: 'expired' }] })
export type AuthExpired = Static<typeof AuthExpired>

export const clientEvents = {
  'auth:refresh': { summary: 'Go on with another token', payload: TokenRequest, ack: TokenHolder },
  'join:cafe': { summary: 'Enter a cafe, or come back to it', payload: JoinRequest, ack: JoinReply },
  'leave:cafe': { summary: 'Leave a cafe', payload: CafeRef, ack: CafeRef },
  'message:send': { summary: 'Send a message', payload: SendRequest, ack: SendReply },
  'message:edit': { summary: 'Change the text of my message', payload: EditRequest, ack: EditReply },
  'message:delete': { summary: 'Delete a message', payload: MessageRef, ack: DeleteReply },
  'typing:start': { summary: 'Typing began or goes on', payload: CafeRef, ack: CafeRef },
  'typing:stop': { summary: 'Typing ceased', payload: CafeRef, ack: CafeRef },
  'presence:update': { summary: 'Set my status', payload: StatusRequest, ack: StatusReply }
} as const satisfies EventMap

export const serverEvents = {
  connected: { summary: 'The connection is authenticated', payload: Connected },
  'auth:expired': { summary: 'The token is not good any more, and the connection ends', payload: AuthExpired },
  'message:new': { summary: 'A message was sent', payload: MessageEvent },
  'message:history': { summary: 'The messages a join begins with', payload: MessageHistory },
  'message:updated': { summary: 'A message was edited', payload: MessageEvent },
  'message:deleted': { summary: 'A message was deleted', payload: MessageDeleted },
  'users:update': { summary: 'Who is here changed', payload: UsersUpdate },
  'typing:indicator': { summary: 'Somebody else types', payload: TypingIndicator },
  'presence:update': { summary: 'A member changed their status', payload: PresenceUpdate },
  'topics:update': { summary: 'The trending topics changed', payload: TopicsUpdate },
  'server:draining': { summary: 'This node is about to stop', payload: ServerDraining },
  error: { summary: 'An event without ack failed', payload: ErrorBody }
} as const satisfies EventMap

export type ClientEvents = typeof clientEvents
export type ServerEvents = typeof serverEvents
export type ClientToServerEvents = Listeners<ClientEvents>
export type ServerToClientEvents = Listeners<ServerEvents>

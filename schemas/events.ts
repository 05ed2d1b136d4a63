import { Type, type Static } from '@sinclair/typebox'
import { CafeRef, JoinReply, JoinRequest } from './cafes.ts'
import { Counter, OneOf, Ref, Strict, Timestamp, Uuid } from './common.ts'
import type { EventMap, Listeners } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { DeleteReply, EditReply, EditRequest, Message, MessageRef, SendReply, SendRequest } from './messages.ts'
import { Member, Person, StatusReply, StatusRequest } from './presence.ts'
import { TopicsUpdate } from './topics.ts'

export const Connected = Strict({
  userId: Uuid,
  username: Type.String(),
  serverTime: Timestamp,
  expiresAt: Timestamp,
  limits: Strict({
    maxLength: Type.Integer({ description: 'Code points of a message' }),
    historyLimit: Type.Integer({ description: 'Messages of a first page' }),
    typingTimeoutMs: Type.Integer({ description: 'An indicator ends after this long without another typing:start' })
  })
}, { $id: 'Connected', title: 'Connected', description: 'The first event of every connection' })
export type Connected = Static<typeof Connected>

export const MessageEvent = Strict({
  message: Ref(Message),
  rev: Type.Integer({ minimum: 1, description: 'The step of the log that this event is: who has heard it holds this rev. `message.rev` may be newer' })
}, { $id: 'MessageEvent', title: 'MessageEvent', description: 'A message in its present state' })
export type MessageEvent = Static<typeof MessageEvent>

export const MessageHistory = Strict({
  cafeId: Uuid,
  messages: Type.Array(Ref(Message), { description: 'Newest first, each message once' }),
  rev: Counter,
  recovered: Type.Boolean()
}, { $id: 'MessageHistory', title: 'MessageHistory', description: 'What a join begins with' })
export type MessageHistory = Static<typeof MessageHistory>

export const MessageDeleted = Strict({
  cafeId: Uuid,
  messageId: Uuid,
  seq: Counter,
  rev: Counter,
  deletedAt: Timestamp
}, { $id: 'MessageDeleted', title: 'MessageDeleted', description: 'A message became a tombstone' })
export type MessageDeleted = Static<typeof MessageDeleted>

const People = Type.Array(Ref(Person), { maxItems: 20, description: 'A sample of at most 20' })

export const UsersUpdate = Type.Union([
  Strict({ cafeId: Uuid, userCount: Counter, action: OneOf(['join', 'leave'] as const), user: Ref(Person) }),
  Strict({ cafeId: Uuid, userCount: Counter, action: Type.Literal('sync'), joined: People, left: People })
], { $id: 'UsersUpdate', title: 'UsersUpdate', description: 'The count changed: one user in a small, quiet room, a summary (`sync`) in a large or busy one' })
export type UsersUpdate = Static<typeof UsersUpdate>

export const TypingIndicator = Strict({
  cafeId: Uuid,
  userId: Uuid,
  username: Type.String(),
  isTyping: Type.Boolean(),
  typists: Type.Optional(Type.Array(Ref(Person), { maxItems: 5, description: 'In a large room: a sample of all who type now' })),
  count: Type.Optional(Type.Integer({ minimum: 0, description: 'In a large room: how many type now' }))
}, { $id: 'TypingIndicator', title: 'TypingIndicator', description: 'Somebody else began or ceased to type; in a large room at most once a second' })
export type TypingIndicator = Static<typeof TypingIndicator>

export const PresenceUpdate = Strict({
  cafeId: Uuid,
  userId: Uuid,
  username: Type.String(),
  status: Member.properties.status,
  lastSeen: Member.properties.lastSeen,
  text: Member.properties.text,
  textExpiresAt: Member.properties.textExpiresAt
}, { $id: 'PresenceUpdate', title: 'PresenceUpdate', description: 'A member changed their status' })
export type PresenceUpdate = Static<typeof PresenceUpdate>

export const Draining = Strict({
  reconnectAfterMs: Type.Integer({ minimum: 0, description: 'Wait a random time up to this before connecting again' })
}, { $id: 'Draining', title: 'Draining', description: 'This node is about to stop' })
export type Draining = Static<typeof Draining>

export const clientEvents = {
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
  'message:new': { summary: 'A message was sent', payload: MessageEvent },
  'message:history': { summary: 'The messages a join begins with', payload: MessageHistory },
  'message:updated': { summary: 'A message was edited', payload: MessageEvent },
  'message:deleted': { summary: 'A message was deleted', payload: MessageDeleted },
  'users:update': { summary: 'Who is here changed', payload: UsersUpdate },
  'typing:indicator': { summary: 'Somebody else types', payload: TypingIndicator },
  'presence:update': { summary: 'A member changed their status', payload: PresenceUpdate },
  'topics:update': { summary: 'The trending topics changed', payload: TopicsUpdate },
  'server:draining': { summary: 'This node is about to stop', payload: Draining },
  error: { summary: 'An event without ack failed', payload: ErrorBody }
} as const satisfies EventMap

export type ClientEvents = typeof clientEvents
export type ServerEvents = typeof serverEvents
export type ClientToServerEvents = Listeners<ClientEvents>
export type ServerToClientEvents = Listeners<ServerEvents>

import { Type, type Static } from '@sinclair/typebox'
import { Counter, Ref, Strict, Timestamp, Uuid } from './common.ts'

/** The client's own id for one send: repeating the send under it is harmless for ever. */
export const ClientId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\p{Cc}\\p{Cs}]+$', description: 'Your own id for this send; a retry under it never doubles the message' })

/** Length, blanks and forbidden characters are checked by the rules (CHAT_CONTENT_INVALID): the limit is configurable. */
export const Content = Type.String({ description: 'Plain text, 1 to CHAT_MESSAGE_MAX_LENGTH code points', examples: ['Hello everyone!'] })

export const Message = Strict({
  id: Uuid,
  cafeId: Uuid,
  userId: Uuid,
  username: Type.String({ description: "The author's name at sending" }),
  content: Type.String({ description: 'Plain text; empty once deleted' }),
  createdAt: Timestamp,
  deleted: Type.Boolean(),
  seq: Type.Integer({ minimum: 1, description: 'Number in the cafe: 1, 2, 3 ... without holes' }),
  rev: Type.Integer({ minimum: 1, description: "The cafe's change counter at this message's last change" }),
  clientId: Type.Optional(Type.String()),
  editedAt: Type.Optional(Timestamp),
  deletedAt: Type.Optional(Timestamp)
}, { $id: 'Message', title: 'Message', description: 'One message in its present state' })
export type Message = Static<typeof Message>

export const SendBody = Strict({
  content: Content,
  clientId: Type.Optional(ClientId)
}, { $id: 'SendBody', title: 'SendBody', description: 'A message to send' })
export type SendBody = Static<typeof SendBody>

export const SendRequest = Strict({
  cafeId: Uuid,
  content: Content,
  clientId: Type.Optional(ClientId)
}, { $id: 'SendRequest', title: 'SendRequest', description: 'A message to send to a cafe' })
export type SendRequest = Static<typeof SendRequest>

export const SendReply = Strict({
  message: Ref(Message),
  duplicate: Type.Boolean({ description: 'True: an earlier send under this clientId had stored it' })
}, { $id: 'SendReply', title: 'SendReply', description: 'The message as it is stored' })
export type SendReply = Static<typeof SendReply>

export const MessageRef = Strict({ messageId: Uuid }, { $id: 'MessageRef', title: 'MessageRef', description: 'Names a message' })
export type MessageRef = Static<typeof MessageRef>

export const EditBody = Strict({ content: Content }, { $id: 'EditBody', title: 'EditBody', description: 'The new text of a message' })
export type EditBody = Static<typeof EditBody>

export const EditRequest = Strict({ messageId: Uuid, content: Content }, { $id: 'EditRequest', title: 'EditRequest', description: 'A new text for a message' })
export type EditRequest = Static<typeof EditRequest>

export const EditReply = Strict({ message: Ref(Message) }, { $id: 'EditReply', title: 'EditReply', description: 'The message as it is stored' })
export type EditReply = Static<typeof EditReply>

export const DeleteReply = Strict({ messageId: Uuid, seq: Counter, rev: Counter }, { $id: 'DeleteReply', title: 'DeleteReply', description: 'The tombstone' })
export type DeleteReply = Static<typeof DeleteReply>

export const Deleted = Strict({
  success: Type.Boolean(),
  message: Type.String()
}, { $id: 'Deleted', title: 'Deleted', description: 'The message is gone' })
export type Deleted = Static<typeof Deleted>

const Cursor = Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'A `seq`; not together with another cursor or `offset`' }))

export const PageQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default: CHAT_HISTORY_LIMIT' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Messages to skip; default 0' })),
  before: Cursor,
  after: Cursor,
  around: Cursor
})
export type PageQuery = Static<typeof PageQuery>

export const MessagePage = Strict({
  messages: Type.Array(Ref(Message), { description: 'Newest first' }),
  total: Counter,
  limit: Counter,
  offset: Counter,
  rev: Type.Integer({ minimum: 0, description: 'The change counter that this page is true at' }),
  hasBefore: Type.Boolean({ description: 'Older messages exist' }),
  hasAfter: Type.Boolean({ description: 'Newer messages exist' })
}, { $id: 'MessagePage', title: 'MessagePage', description: 'A page of history' })
export type MessagePage = Static<typeof MessagePage>

import { Type, type Static } from '@sinclair/typebox'
import { CafeId, Count, MessageId, Ref, Rev, Strict, Timestamp, UserId } from './common.ts'
import * as example from './examples.ts'

/** The client's own id for one send: repeating the send under it is harmless for ever. */
export const ClientId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\p{Cc}\\p{Cs}]+$', description: 'Your own id for this send; a retry under it never doubles the message', examples: ['b7a1'] })

/** Length, blanks and forbidden characters are checked by the rules (CHAT_CONTENT_INVALID): the limit is configurable. */
export const Content = Type.String({ description: 'Plain text, 1 to CHAT_MESSAGE_MAX_LENGTH code points', examples: ['Hello everyone!'] })

const Place = Type.Integer({ minimum: 1, description: 'Number in the cafe: 1, 2, 3 ... without holes, never changed. The order of the room', examples: [7] })

export const Message = Strict({
  id: MessageId,
  cafeId: CafeId,
  userId: UserId,
  username: Type.String({ description: "The author's name at sending; a later rename does not reach back", examples: ['HappyOtter42'] }),
  content: Type.String({ description: 'Plain text; empty once deleted. Escape it where it is shown', examples: ['Hello everyone!'] }),
  createdAt: Timestamp,
  deleted: Type.Boolean({ description: 'True: a tombstone, which keeps its place and its number' }),
  seq: Place,
  rev: Type.Integer({ minimum: 1, description: "The cafe's change counter at this message's last change", examples: [9] }),
  clientId: Type.Optional(Type.String({ description: "The sender's own id for this send, if one was given", examples: ['b7a1'] })),
  editedAt: Type.Optional(Type.String({ ...Timestamp, description: 'When the text was last changed, if it was' })),
  deletedAt: Type.Optional(Type.String({ ...Timestamp, description: 'When the message was deleted, if it was' }))
}, {
  $id: 'Message',
  title: 'Message',
  description: 'One message in its present state',
  examples: [example.message, example.edited, example.tombstone]
})
export type Message = Static<typeof Message>

export const SendBody = Strict({
  content: Content,
  clientId: Type.Optional(ClientId)
}, { $id: 'SendBody', title: 'SendBody', description: 'A message to send', examples: [{ content: 'Hello everyone!', clientId: 'b7a1' }] })
export type SendBody = Static<typeof SendBody>

export const SendRequest = Strict({
  cafeId: CafeId,
  content: Content,
  clientId: Type.Optional(ClientId)
}, { $id: 'SendRequest', title: 'SendRequest', description: 'A message to send to a cafe', examples: [{ cafeId: example.cafeId, content: 'Hello everyone!', clientId: 'b7a1' }] })
export type SendRequest = Static<typeof SendRequest>

export const SendReply = Strict({
  message: Ref(Message),
  duplicate: Type.Boolean({ description: 'True: an earlier send under this clientId had stored it' })
}, { $id: 'SendReply', title: 'SendReply', description: 'The message as it is stored', examples: [{ message: example.message, duplicate: false }] })
export type SendReply = Static<typeof SendReply>

export const MessageRef = Strict({ messageId: MessageId }, { $id: 'MessageRef', title: 'MessageRef', description: 'Names a message', examples: [{ messageId: example.messageId }] })
export type MessageRef = Static<typeof MessageRef>

export const EditBody = Strict({ content: Content }, { $id: 'EditBody', title: 'EditBody', description: 'The new text of a message', examples: [{ content: 'Hello everybody!' }] })
export type EditBody = Static<typeof EditBody>

export const EditRequest = Strict({ messageId: MessageId, content: Content }, { $id: 'EditRequest', title: 'EditRequest', description: 'A new text for a message', examples: [{ messageId: example.messageId, content: 'Hello everybody!' }] })
export type EditRequest = Static<typeof EditRequest>

export const EditReply = Strict({ message: Ref(Message) }, { $id: 'EditReply', title: 'EditReply', description: 'The message as it is stored', examples: [{ message: example.edited }] })
export type EditReply = Static<typeof EditReply>

export const DeleteReply = Strict({ messageId: MessageId, seq: Place, rev: Rev }, {
  $id: 'DeleteReply',
  title: 'DeleteReply',
  description: 'The tombstone: where it stands, and the change that made it',
  examples: [{ messageId: example.messageId, seq: 7, rev: 12 }]
})
export type DeleteReply = Static<typeof DeleteReply>

export const Deleted = Strict({
  success: Type.Boolean({ description: 'Always true: a failure has another body', examples: [true] }),
  message: Type.String({ description: 'For people', examples: ['Message deleted'] })
}, { $id: 'Deleted', title: 'Deleted', description: 'The message is gone', examples: [{ success: true, message: 'Message deleted' }] })
export type Deleted = Static<typeof Deleted>

const Cursor = (place: string) => Type.Optional(Count(`A \`seq\`: the page ${place}; not together with another cursor or \`offset\``))

export const PageQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'How many messages; CHAT_HISTORY_LIMIT of the server unless said' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Messages to skip; default 0' })),
  before: Cursor('right below it'),
  after: Cursor('right above it'),
  around: Cursor('that has it in the middle')
})
export type PageQuery = Static<typeof PageQuery>

export const MessagePage = Strict({
  messages: Type.Array(Ref(Message), { description: 'Newest first' }),
  total: Count('Messages of the cafe, tombstones included', { examples: [7] }),
  limit: Count('How many messages were asked for', { examples: [1] }),
  offset: Count('How many of the newest were skipped', { examples: [0] }),
  rev: Type.Integer({ minimum: 0, description: 'The change counter that this page is true at', examples: [9] }),
  hasBefore: Type.Boolean({ description: 'Older messages exist' }),
  hasAfter: Type.Boolean({ description: 'Newer messages exist' })
}, { $id: 'MessagePage', title: 'MessagePage', description: 'A page of history', examples: [{ messages: [example.message], total: 7, limit: 1, offset: 0, rev: 9, hasBefore: true, hasAfter: false }] })
export type MessagePage = Static<typeof MessagePage>

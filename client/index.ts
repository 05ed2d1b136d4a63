/** `klatsch/client`: a client for browsers and Node that loses nothing. See docs/client.md. */
export { connect } from './connect.ts'
export { ChatError, type ChatErrorCode, type ClientErrorCode } from './errors.ts'
export type { Unsubscribe } from './listeners.ts'
export type { Storage, Unsent } from './outbox.ts'
export type { Sending } from './sending.ts'
export type { Cafe, Client, ConnectOptions, Entry, MessageLike, Posted, Status } from './types.ts'
export type { Member, Person, StatusReply, StatusRequest } from '../schemas/presence.ts'
export type { Message } from '../schemas/messages.ts'

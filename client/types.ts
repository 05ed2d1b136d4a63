import type { ManagerOptions, SocketOptions } from 'socket.io-client'
import type { CafePresence, Member, Person, StatusReply, StatusRequest } from '../schemas/presence.ts'
import type { Connected } from '../schemas/events.ts'
import type { Message } from '../schemas/messages.ts'
import type { CafeTopics } from '../schemas/topics.ts'
import type { ConnectionState } from './connection.ts'
import type { ChatError } from './errors.ts'
import type { Unsubscribe } from './listeners.ts'
import type { Storage, Unsent } from './outbox.ts'
import type { Sending } from './sending.ts'
import type { TokenOptions } from './tokens.ts'

export interface ConnectOptions extends TokenOptions {
  /** Where klatsch is, with the prefix that it is registered under, if any: `https://chat.example.org`. */
  url: string
  /** Of Socket.IO, if the server has another one than `/socket.io`. */
  path?: string
  /** Where unsent messages outlive the page; `sessionStorage` does for a web page. Without it they end with it. */
  storage?: Storage
  /** Messages of each cafe that are kept, 1000 unless said. */
  window?: number
  /** Messages that `loadOlder` may add to those, 5000 unless said. */
  scrollback?: number
  /** Options of socket.io-client, such as `transports` or `extraHeaders`. What the client needs for itself stays as it is. */
  socket?: Partial<ManagerOptions & SocketOptions>
}

/**
 * `recovering`: connected, and some cafe still gets what it missed. `refused`: the server does not take the token, and nothing more
 * happens until `setToken` or `reconnect`. The others are as they sound.
 */
export interface Status {
  readonly state: ConnectionState | 'recovering'
  /** Why it is not online. */
  readonly error?: ChatError
  /** Milliseconds from then to the next try. */
  readonly retryInMs?: number
}

export interface Client {
  /** The same object until it changes. */
  readonly status: Status
  /** Who the token stands for; undefined until the client was connected once. */
  readonly user: Person | undefined
  readonly limits: Connected['limits'] | undefined
  /** The storage failed: unsent messages may not outlive the page. */
  readonly storageError: ChatError | undefined
  /** Enters a cafe and stays, over all that may happen to the connection. The same object for the same id, until it is left. */
  join: (cafeId: string) => Cafe
  /** Sets my status in every cafe, and again when the connection was lost. @throws ChatError */
  setStatus: (status: StatusRequest) => Promise<StatusReply>
  /** Another token, from now on. */
  setToken: (token: string) => void
  /** Connects anew at once instead of at the next try, for example when the device is online again. */
  reconnect: () => void
  /** Any other route of REST, with the token: `call('POST', '/api/cafes', { name })`. @throws ChatError */
  call: <T>(method: string, path: string, body?: unknown) => Promise<T>
  /** Hears of each change of `status`, `user` and `storageError`. */
  subscribe: (listener: () => void) => Unsubscribe
  /** Ends everything. What is unsent stays in the storage. */
  close: () => void
}

/** A message that everybody sees. */
export type Posted = Message & { readonly state?: undefined }
export type Entry = Posted | Unsent

/** A message, or its id. */
export type MessageLike = string | { readonly id: string }

export interface Cafe {
  readonly id: string
  /** `refused`: the server does not let us in, see `error`; `client.join(id)` tries again. */
  readonly state: 'joining' | 'joined' | 'recovering' | 'refused' | 'left'
  /** Why it is not joined. */
  readonly error: ChatError | undefined
  /** Resolves when it is joined; rejects when it is refused, left or closed. */
  whenJoined: () => Promise<Cafe>
  /** Oldest first, own ones that are not sent yet at the end. Frozen, and the same array until something changes. */
  readonly messages: readonly Entry[]
  /** There are older ones than the first. */
  readonly hasOlder: boolean
  /** Adds a page of older messages. How many: 0 when there are none. @throws ChatError */
  loadOlder: () => Promise<number>
  /** The reader is back at the newest: what was loaded beyond the window may go. */
  forgetOlder: () => void
  /** Says something, also without a connection. Shows in `messages` at once. Never throws. */
  send: (content: string) => Sending
  /** Sends once more what was refused, under its `clientId`. */
  retry: (entry: { readonly clientId: string }) => Sending | undefined
  /** Gives up what is not sent. If it is on its way, it may arrive. */
  discard: (entry: { readonly clientId: string }) => void
  /** Changes the text of a message of mine. @throws ChatError */
  edit: (message: MessageLike, content: string) => Promise<Message>
  /** @throws ChatError */
  delete: (message: MessageLike) => Promise<void>
  /** I am typing: at each key, if you like. With `false`: not any more. */
  typing: (isTyping?: boolean) => void
  /** Others who type. */
  readonly typists: readonly Person[]
  /** How many type; in a large room more than `typists` names. */
  readonly typistCount: number
  readonly userCount: number
  /** A page of who is here, and fills `people`. @throws ChatError */
  members: (page?: { cursor?: string, limit?: number }) => Promise<CafePresence>
  /** Who is here with their status, as far as `members` was asked, kept up to date. */
  readonly people: readonly Member[]
  /** The strongest topics, as far as they were heard of. */
  readonly topics: readonly string[]
  /** Asks for the topics, and fills `topics`. @throws ChatError */
  loadTopics: () => Promise<CafeTopics>
  /** Leaves; the object is of no more use. What is unsent goes out when the cafe is joined again. @throws ChatError */
  leave: () => Promise<void>
  /** Hears of each change of what is named here. */
  subscribe: (listener: () => void) => Unsubscribe
}

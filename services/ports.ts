import type { ServerEvents } from '../schemas/events.ts'
import type { Payload } from '../schemas/contract.ts'
import type { Message } from '../schemas/messages.ts'
import type { Member, Person, Status, UserPresence } from '../schemas/presence.ts'
import type { User } from '../schemas/users.ts'
import type { Alerts } from './ports-tokens.ts'

export type * from './ports-tokens.ts'

/*
 * Everything the rules need from outside. Drivers repeat none of these promises; they keep them.
 * Durable ports (Log, Users, Identities, Cafes, Revocations) throw CHAT_UNAVAILABLE when nothing was done and CHAT_OUTCOME_UNKNOWN when it may have been.
 * Hot-state ports may reject while Redis is away: the rules go on without them and mend later.
 */

/** Where a cafe stands: newest `seq`, newest `rev`, and the `rev` below which the log was thinned out. */
export interface Head { seq: number, rev: number, minRev: number }

/** One step of a cafe's log. `message` is in its present state, perhaps newer than this step: readers fold by `message.rev`. */
export interface Change { rev: number, kind: 'created' | 'updated' | 'deleted', message: Message }

/** Messages newest first, true at `head.rev`: taken in one snapshot. */
export interface Snapshot { head: Head, messages: Message[] }

/** `hash` is the SHA-256 of `content`: a retry is compared by it even after the text has changed. */
export interface Draft { cafeId: string, userId: string, username: string, content: string, clientId?: string, hash: Buffer }

export type Appended =
  | { outcome: 'created', message: Message }
  | { outcome: 'duplicate', message: Message }
  | { outcome: 'conflict' }
  | { outcome: 'no-cafe' }
  | { outcome: 'no-user' }

export type Removed =
  | { outcome: 'deleted', change: Change, content: string }
  | { outcome: 'already', message: Message }
  | { outcome: 'forbidden' }
  | { outcome: 'no-message' }

export type Edited =
  | { outcome: 'edited', change: Change, content: string }
  | { outcome: 'same', message: Message }
  | { outcome: 'forbidden' }
  | { outcome: 'no-message' }

export interface Range { limit: number, offset?: number, before?: number, after?: number, around?: number }

/** The truth: messages and their changes, numbered per cafe without holes. */
export interface Log {
  /** Durable when it resolves. Concurrent calls share a commit; one bad draft never fails its neighbours; a cafe that is locked delays only itself. */
  append (draft: Draft): Promise<Appended>
  /** What an earlier send under the draft's clientId came to, or undefined. Stores nothing. */
  find (draft: Draft): Promise<Appended | undefined>
  /** Durable when it resolves; takes a `rev` only if the text changes. Only the author may. Returns the text that went. */
  edit (messageId: string, userId: string, content: string): Promise<Edited>
  /** Durable when it resolves; takes a `rev` only if the message was still there. `anyone`: also when `userId` is not the author. Returns the text that went. */
  remove (messageId: string, by: { userId: string, anyone: boolean }): Promise<Removed>
  /** Heads of the cafes that exist, in one query. */
  heads (cafeIds: string[]): Promise<Map<string, Head>>
  /** A page of history, or undefined without such a cafe. One query, no scan beyond the page. */
  page (cafeId: string, range: Range): Promise<Snapshot | undefined>
  /** Changes after `rev`, oldest first, at most `limit`, without a hole between them. */
  changes (cafeId: string, rev: number, limit: number): Promise<Change[]>
  /** Messages changed after `rev`, each once, newest first, at most `limit`. */
  changedSince (cafeId: string, rev: number, limit: number): Promise<Snapshot | undefined>
}

export interface Users {
  /** Creates or renames, in one statement. */
  upsert (users: User[]): Promise<void>
}

export interface CafeRow { id: string, name: string, createdAt: string, seq: number, rev: number }

export interface Cafes {
  create (name: string): Promise<CafeRow>
  get (cafeId: string): Promise<CafeRow | undefined>
  /** Newest first, at most `limit`, those older than `cursor` if given. */
  list (limit: number, cursor?: { createdAt: string, id: string }): Promise<CafeRow[]>
}

/** The newest messages of a cafe. Complete, in order and true at one `rev`, or absent; never a part that passes for the whole. May be evicted at any time. */
export interface RecentMessages {
  /** Applies changes that follow one another, atomically; those it has are skipped. Returns the `rev` it then holds: below the last change's, changes are missing between; null: absent. Changes from rev 1 start a list. */
  apply (cafeId: string, changes: readonly Change[]): Promise<number | null>
  /** Sets the whole (newest first), unless it holds a newer `rev`. Atomic. */
  replace (cafeId: string, rev: number, messages: readonly Message[]): Promise<void>
  read (cafeId: string): Promise<{ rev: number, messages: Message[] } | null>
}

/** What a step did to the set of users in a cafe. `version` grows with time over all nodes: of two counts the higher version is the newer. */
export interface Attendance { cafeId: string, user: Person, action: 'join' | 'leave', userCount: number, version: number }

/** `text`: empty takes it away, without it the one that holds stays; `textForMs`: how long it stands. */
export interface StatusUpdate { status: Status, text?: string, textForMs?: number }

/**
 * Who is where, counted once per user however many sockets and nodes. Entries belong to nodes and last as long as the node's lease;
 * every step is atomic. Times by one clock (Redis TIME, or the process in memory).
 */
export interface Presence {
  /** This node now has the user in the cafe. `changed`: no node had before. Idempotent. */
  enter (cafeId: string, user: Person): Promise<Attendance & { changed: boolean }>
  /** This node no longer has the user in the cafe. `changed`: no node has now. Idempotent; an entry that was reaped changes nothing. */
  leave (cafeId: string, user: Person): Promise<Attendance & { changed: boolean }>
  /** Renews this node's lease and reaps dead nodes (a bounded number of entries a call). `known` false: this node itself had been reaped or the store was emptied; call `sync`. */
  beat (): Promise<{ known: boolean, departed: Attendance[] }>
  /** Makes this node's entries exactly these. Returns what changed for the cafes. */
  sync (entries: ReadonlyArray<{ cafeId: string, user: Person }>): Promise<Attendance[]>
  /** Gives up the lease and all entries of this node. */
  release (): Promise<Attendance[]>
  /** Ends the lease `afterMs` milliseconds from now: entries last so long, and other nodes reap them. False: there is no other node, and nothing was done. */
  handOver (afterMs: number): Promise<boolean>
  /** Where the user is. */
  cafesOf (userId: string): Promise<string[]>
  /** Sets the status, for all cafes; returns those the user is in, and how the user is now. */
  setStatus (user: Person, update: StatusUpdate): Promise<{ cafeIds: string[], presence: UserPresence }>
  /** These users did something just now. */
  touch (users: readonly Person[]): Promise<void>
  /** The count of all, and up to `limit` of them by id, those after `cursor` if given. `next`: the cursor of those that follow, if any do. */
  members (cafeId: string, limit: number, cursor?: string): Promise<{ userCount: number, users: Member[], next?: string }>
  /** How users are, in the order asked for; those of whom nothing is known are left out. */
  find (userIds: readonly string[]): Promise<UserPresence[]>
  counts (cafeIds: string[]): Promise<number[]>
}

/** A word as it was said, and what its forms have in common: those with one `stem` are one word. */
export interface Word { text: string, stem: string }

/** `at`: epoch milliseconds of the message. `words`: each stem once. */
export interface Mention { messageId: string, userId: string, words: readonly Word[], at: number }

/** `topic`: the shortest form that was said, of equally short ones the first by code points. `score` and `messages`: at the time of the answer. */
export interface Topic { topic: string, score: number, messages: number }

/**
 * What a cafe talks about. A word's score is the sum over those who said it of 2^(-age / half-life), where the age is that of each
 * one's newest message with the word and the half-life a quarter of the expiry. So whatever one person says has at most 1; a word of two
 * outranks every word of one person that was said no later, and every one at all while both said it within the last half-life.
 *
 * A word is gone when it was not said for the expiry; `messages` are those within it. The newest 500 messages of a word count.
 * At most four times `maxTopics` words are kept: the strongest `maxTopics`, of the others those said last, so that a new one can rise.
 * Scores whose logarithms agree to six places are equal, and stand in the reverse order of their code points. Each call is atomic.
 * Calls about one cafe take effect in the order in which they were made, also when nobody waits between them.
 */
export interface Topics {
  /** Counts a message once for each of its words. */
  add (cafeId: string, mention: Mention): Promise<void>
  /** Takes back what this very message added; what its author said before counts again. */
  remove (cafeId: string, mention: Omit<Mention, 'at'>): Promise<void>
  /** Highest score first. */
  top (cafeId: string, limit: number, at: number): Promise<Topic[]>
  /** The list, if it differs from the last claimed one and a second has passed since; over all nodes one caller gets it. `againIn`: milliseconds after which to ask again, undefined if nothing will change by itself. */
  claim (cafeId: string, limit: number, at: number): Promise<{ topics?: string[], againIn?: number }>
}

/** What is rationed: to each user, and to each cafe. */
export type Action = 'send' | 'typing' | 'join' | 'presence'

/** Whose budgets an action takes from, one of each; at least one is named. `places`: cafes. */
export interface Spender { userId?: string, places?: readonly string[] }

/** The budget that has nothing left, and after how many milliseconds it has again. */
export interface Shortage { of: 'user' | 'cafe', waitMs: number }

/**
 * Token buckets, for each action one of each user and one of each cafe: so many at once, and in ten seconds as many again, evenly.
 * One take from several buckets is one atomic step, of all or of none. Buckets that are full again are forgotten.
 */
export interface Limits {
  /** From this node's own buckets, at once: the first question, and the only one for what nobody else notices. */
  takeHere (action: Action, spender: Spender): Shortage | undefined
  /** After `takeHere`: from the buckets of all nodes. While hot state is away what this node counts has to do. Never rejects. */
  takeShared (action: Action, spender: Spender): Promise<Shortage | undefined>
  /** Back into both. What was not taken, or has come back since, is no credit. Never rejects. */
  giveBack (action: Action, spender: Spender): Promise<void>
}

/** The last content of a user in a cafe. Check and record are one atomic step; expires by itself. Falls back to this process when Redis is away; never rejects. */
export interface Repeats {
  /** 0 when fresh (now recorded) or when `clientId` says it is the same send, else milliseconds to wait. `digest` names the content. */
  check (userId: string, cafeId: string, digest: string, clientId?: string): Promise<number>
  /** Forgets the record if it is still this one: the send failed. */
  forget (userId: string, cafeId: string, digest: string): Promise<void>
}

/** What nodes tell each other about a cafe. `count`: nobody came or went, but what was said of it before may have got lost. */
export type Notice =
  | { kind: 'changes', changes: Change[] }
  | { kind: 'attendance', attendance: Attendance }
  | { kind: 'count', userCount: number, version: number }
  | { kind: 'typing', user: Person, isTyping: boolean }

/** Between nodes, per cafe. At most once, in order per sender, nothing kept: a hint, never the truth. A node does not hear itself. */
export interface Bus {
  /** Never throws, never waits. */
  publish (cafeId: string, notice: Notice): void
  subscribe (cafeId: string): Promise<void>
  unsubscribe (cafeId: string): Promise<void>
  onNotice (listener: (cafeId: string, notice: Notice, nodeId: string) => void): void
  /** Notices may have been lost before this call. */
  onReconnect (listener: () => void): void
  /** Notices of other nodes arrive, as far as this node can tell. */
  isLive (): boolean
}

export type ServerEvent = keyof ServerEvents

/** Sockets in a cafe. Best effort, no answer. */
export interface Broadcast {
  /** On this node. */
  local<E extends ServerEvent> (cafeId: string, event: E, payload: Payload<ServerEvents[E]>, exceptUserId?: string): void
  /** On every node. */
  everywhere<E extends ServerEvent> (cafeId: string, event: E, payload: Payload<ServerEvents[E]>): void
}

export type Counted =
  | 'sends' | 'acks' | 'refusals' | 'feed_gaps' | 'feed_repairs' | 'dropped_frames' | 'cache_hits' | 'cache_misses' | 'hot_state_failures' | 'slow_consumers' | 'dismissals'

export interface Meter { count (name: Counted, label?: string, by?: number): void }

/** Failures that answer nobody: logged once per kind and while. */
export interface Reporter { warn (error: unknown, what: string): void }

/** Hot state of one choice: memory or Redis. */
export interface HotState {
  recent: RecentMessages
  presence: Presence
  topics: Topics
  limits: Limits
  repeats: Repeats
  bus: Bus
  alerts: Alerts
}

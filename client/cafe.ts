import type { JoinReply } from '../schemas/cafes.ts'
import type { MessageDeleted, MessageEvent, MessageHistory, PresenceUpdate, TypingIndicator, UsersUpdate } from '../schemas/events.ts'
import type { Message } from '../schemas/messages.ts'
import type { CafePresence } from '../schemas/presence.ts'
import type { CafeTopics, TopicsUpdate } from '../schemas/topics.ts'
import { insist } from './backoff.ts'
import type { Connection } from './connection.ts'
import { createDoor } from './door.ts'
import { ChatError, isObject } from './errors.ts'
import { createListeners } from './listeners.ts'
import type { Me, Outbox } from './outbox.ts'
import { createRoster } from './roster.ts'
import { createScrollback } from './scrollback.ts'
import { createSends } from './sends.ts'
import { Timeline, type Step, type TimelineSize } from './timeline.ts'
import type { Cafe, Entry, MessageLike } from './types.ts'
import { createTyping } from './typing.ts'
import { createTypists } from './typists.ts'

/** What a cafe needs of the client. */
export interface Surroundings {
  connection: Connection
  outbox: Outbox
  call: <T>(method: string, path: string, body?: unknown) => Promise<T>
  size: TimelineSize
  me: () => Me | undefined
  maxLength: () => number
  typingTimeoutMs: () => number
  /** Its state changed. */
  onState: () => void
  onLeave: () => void
}

/** Topics of the server's list that are kept. */
const MOST_TOPICS = 100

const isMessage = (value: unknown): value is Message =>
  isObject(value) && typeof value.id === 'string' && typeof value.content === 'string' && Number.isInteger(value.seq) && Number.isInteger(value.rev)

const idOf = (message: MessageLike) => typeof message === 'string' ? message : message.id

/** One cafe as the application sees it, and what it must be told. */
export function createCafe (cafeId: string, surroundings: Surroundings) {
  const { connection, outbox, call, size, me, typingTimeoutMs, onState, onLeave } = surroundings
  const listeners = createListeners()
  const timeline = new Timeline(size)
  let snapshot: readonly Entry[] | undefined
  let userCount = 0
  /** Since we came: what is heard is newer than what the ack of our join says, though both may reach us in one turn. */
  let isCountHeard = false
  let topics: readonly string[] = Object.freeze([])

  function change () {
    snapshot = undefined
    listeners.notify()
  }

  const typists = createTypists(typingTimeoutMs, listeners.notify)
  const roster = createRoster(listeners.notify)
  const scrollback = createScrollback(cafeId, { timeline, call, isMessage, onChange: change })
  const sends = createSends(cafeId, { ...surroundings, isReady: () => door.state === 'joined', onSent: message => timeline.lay(message), onNotMember: () => door.reenter(), onChange: change })
  const door = createDoor(cafeId, connection, {
    since: () => timeline.position,
    onJoined,
    onRefused: sends.refuseAll,
    onState () {
      listeners.notify()
      onState()
    }
  })
  const typing = createTyping(async isTyping => {
    try {
      await connection.request(isTyping ? 'typing:start' : 'typing:stop', { cafeId })
      return 0
    } catch (error) {
      // Nothing depends on it, and the next key says it again.
      return (error as ChatError).retryAfterMs ?? 0
    }
  }, typingTimeoutMs)

  function onJoined ({ userCount: count, rev }: JoinReply) {
    if (!isCountHeard && typeof count === 'number') userCount = count
    if (timeline.position === undefined) timeline.takeHistory({ messages: [], rev: rev ?? 0, recovered: false })
    typing.forget()
    change()
    sends.pump()
    if (roster.isKept) members().catch(roster.drop)
  }

  function heard (step: Step) {
    if (step === 'known') return
    change()
    // The server promises that there is none.
    if (step === 'gap') door.reenterLater()
  }

  const received = {
    history ({ messages, rev, recovered }: MessageHistory) {
      if (!Array.isArray(messages) || !Number.isInteger(rev)) return
      const good = messages.filter(isMessage)
      timeline.takeHistory({ messages: good, rev, recovered })
      for (const message of good) sends.recognise(message)
      change()
    },
    put ({ message, rev }: MessageEvent) {
      if (!isMessage(message)) return
      heard(timeline.put(message, rev ?? message.rev))
      sends.recognise(message)
      typists.remove(message.userId)
    },
    remove (deletion: MessageDeleted) {
      if (Number.isInteger(deletion.rev) && Number.isInteger(deletion.seq)) heard(timeline.remove(deletion))
    },
    users (update: UsersUpdate) {
      isCountHeard = true
      if (typeof update.userCount === 'number') userCount = update.userCount
      roster.hearUsers(update)
      listeners.notify()
    },
    typing (indicator: TypingIndicator) { if (indicator.userId !== me()?.id) typists.hear(indicator) },
    status: (update: PresenceUpdate) => roster.hearStatus(update),
    topics ({ topics: list }: TopicsUpdate) {
      if (!Array.isArray(list)) return
      topics = Object.freeze(list.slice(0, MOST_TOPICS))
      listeners.notify()
    }
  }

  async function members ({ cursor, limit }: { cursor?: string, limit?: number } = {}): Promise<CafePresence> {
    const query = new URLSearchParams({ ...(cursor !== undefined && { cursor }), ...(limit !== undefined && { limit: String(limit) }) })
    const page = await insist(() => call<CafePresence>('GET', `/api/chat/presence/${cafeId}?${query}`))
    if (!Array.isArray(page.users)) throw new ChatError('CLIENT_BAD_ANSWER', 'The server named nobody')
    if (typeof page.userCount === 'number') userCount = page.userCount
    roster.takePage(page, cursor === undefined)
    return page
  }

  async function loadTopics (): Promise<CafeTopics> {
    const found = await insist(() => call<CafeTopics>('GET', `/api/chat/topics/${cafeId}`))
    received.topics(found)
    return found
  }

  function close (error: ChatError) {
    door.close(error)
    sends.stop()
    typists.clear()
  }

  async function leave () {
    if (door.state === 'left') return
    const isIn = connection.isUp && door.state !== 'refused'
    close(new ChatError('CLIENT_CLOSED', 'The cafe was left'))
    onLeave()
    if (!isIn) return
    try {
      await connection.request('leave:cafe', { cafeId })
    } catch (error) {
      // Who has lost the connection, or was never in, has left.
      if (!['CHAT_NOT_MEMBER', 'CLIENT_OFFLINE', 'CLIENT_CLOSED'].includes((error as ChatError).code)) throw error
    }
  }

  const cafe: Cafe = {
    id: cafeId,
    get state () { return door.state },
    get error () { return door.error },
    whenJoined: async () => {
      await door.whenJoined()
      return cafe
    },
    get messages () {
      if (snapshot === undefined) {
        const unsent = outbox.list(cafeId)
        snapshot = unsent.length === 0 ? timeline.messages : Object.freeze([...timeline.messages, ...unsent])
      }
      return snapshot
    },
    get hasOlder () { return timeline.hasOlder },
    loadOlder: scrollback.load,
    forgetOlder () {
      timeline.forgetOlder()
      change()
    },
    send (content) {
      typing.stop()
      return sends.send(content, door.state === 'refused' || door.state === 'left' ? door.error : undefined)
    },
    retry: sends.retry,
    discard: sends.discard,
    async edit (message, content) {
      const { message: edited } = await insist(() => connection.request('message:edit', { messageId: idOf(message), content }))
      return edited
    },
    async delete (message) { await insist(() => connection.request('message:delete', { messageId: idOf(message) })) },
    typing (isTyping = true) {
      if (door.state !== 'joined') return
      if (isTyping) typing.press()
      else typing.stop()
    },
    get typists () { return typists.list },
    get typistCount () { return typists.count },
    get userCount () { return userCount },
    members,
    get people () { return roster.list },
    get topics () { return topics },
    loadTopics,
    leave,
    subscribe: listeners.subscribe
  }

  return {
    cafe,
    received,
    close,
    enter: door.enter,
    /** Somebody asked for it once more: who was refused tries again. */
    knock: door.knock,
    onDown () {
      isCountHeard = false
      door.onDown()
      typists.clear()
    },
    /** Who is speaking is known now. */
    onMe: change
  }
}

export type CafeEnds = ReturnType<typeof createCafe>

import type { JoinReply, JoinRequest } from '../schemas/cafes.ts'
import type { Config } from '../schemas/config.ts'
import type { MessageHistory, TypingIndicator, UsersUpdate } from '../schemas/events.ts'
import type { User } from '../schemas/users.ts'
import type { AttendanceService } from './attendance.ts'
import type { Budgets } from './budgets.ts'
import { refuse } from './errors.ts'
import type { FeedService } from './feed.ts'
import type { HistoryService, Start } from './history.ts'
import type { PresenceService } from './presence.ts'
import type { TypingService } from './typing.ts'

/** One live connection of a user and the cafes it is in. The transport holds it, only these rules write to it. */
export interface Connection {
  readonly id: string
  /** as their token says */
  user: User
  readonly cafes: Set<string>
  /** joins and leaves, one after another in the order they came */
  steps: Promise<unknown>
  /** how many of them are not done */
  pending: number
  closed: boolean
}

/** `typing`: who types already. `greeting`: what there is to say, when it is said, to a user who was in the cafe already, and whom the room therefore hears nothing of. */
export interface Admission { history: MessageHistory, reply: JoinReply, greeting?: () => UsersUpdate, typing: TypingIndicator[] }

/** Joins and leaves of one connection that may wait. */
const MAX_PENDING = 200

interface Others {
  budgets: Budgets
  feed: FeedService
  history: HistoryService
  presence: PresenceService
  attendance: AttendanceService
  typing: TypingService
}

/** Which connection is in which cafe. */
export function createMembership ({ budgets, feed, history, presence, attendance, typing }: Others, config: Config) {
  const connect = (id: string, user: User): Connection => ({ id, user, cafes: new Set(), steps: Promise.resolve(), pending: 0, closed: false })

  /** The same user with another token, perhaps under another name or role. */
  function renew (connection: Connection, user: User) {
    connection.user = user
  }

  /** Does it after all steps before it, whether those fail or not. */
  function queue (connection: Connection, step: () => Promise<void>): Promise<void> {
    connection.pending++
    const done = connection.steps.then(step).finally(() => { connection.pending-- })
    connection.steps = done.catch(() => {})
    return done
  }

  function refuseCrowd ({ pending }: Connection) {
    if (pending >= MAX_PENDING) throw refuse('CHAT_LIMIT_REACHED', { retryAfterMs: 1000, message: 'Too many joins and leaves of this connection are waiting' })
  }

  const personOf = ({ user: { id, username } }: Connection) => ({ id, username })

  /**
   * Joins, or comes back. The function it resolves to must be called, in the same turn in which the connection starts to
   * hear the cafe: its history holds all that came before, the room hears the rest. Later steps wait for that call.
   * @throws CHAT_CAFE_NOT_FOUND, CHAT_LIMIT_REACHED, CHAT_RATE_LIMITED, CHAT_UNAVAILABLE
   */
  function join (connection: Connection, { cafeId, since }: JoinRequest): Promise<() => Admission> {
    return new Promise((resolve, reject) => {
      refuseCrowd(connection)
      queue(connection, async () => {
        const { cafes } = connection
        const returning = cafes.has(cafeId)
        if (!returning && cafes.size >= config.socket.maxCafes) throw refuse('CHAT_LIMIT_REACHED', { message: `One connection may be in ${config.socket.maxCafes} cafes` })
        const spender = { userId: connection.user.id, places: [cafeId] }
        budgets.spendHere('join', spender)
        await history.prepare(cafeId) // a cafe that is not there must not count anybody
        try {
          // Only who is new here asks Redis at all, and beside what they wait for anyway.
          const userCount = await presence.enter(cafeId, personOf(connection), connection.id, () => budgets.spendShared('join', spender))
          const start = await history.prepare(cafeId, since)
          let release!: () => void
          const admitted = new Promise<void>(resolve => { release = resolve })
          resolve(() => {
            release()
            return admit(connection, cafeId, start, userCount)
          })
          await admitted
        } finally {
          if (!cafes.has(cafeId)) await presence.leave(cafeId, personOf(connection), connection.id)
        }
      }).catch(reject)
    })
  }

  function admit (connection: Connection, cafeId: string, start: (enter: boolean) => Start, userCount: number): Admission {
    if (connection.closed) throw refuse('CHAT_NOT_MEMBER', { message: 'The connection is closed' })
    const isNew = !connection.cafes.has(cafeId)
    const { seq, history } = start(isNew)
    const { rev, recovered } = history
    connection.cafes.add(cafeId)
    const isNews = presence.announce(cafeId, connection.user.id)
    return {
      history,
      reply: { cafeId, rev, seq, userCount, recovered },
      typing: isNew ? typing.current(cafeId, connection.user.id) : [],
      ...(!isNews && { greeting: () => attendance.greeting(cafeId, personOf(connection)) })
    }
  }

  /** @throws CHAT_NOT_MEMBER, CHAT_LIMIT_REACHED */
  async function leave (connection: Connection, cafeId: string): Promise<void> {
    refuseCrowd(connection)
    await queue(connection, async () => {
      if (!connection.cafes.has(cafeId)) throw refuse('CHAT_NOT_MEMBER')
      forget(connection, cafeId)
      await presence.leave(cafeId, personOf(connection), connection.id)
    })
  }

  function forget (connection: Connection, cafeId: string) {
    connection.cafes.delete(cafeId)
    feed.leave(cafeId)
    typing.stop(cafeId, connection)
  }

  /** The connection is gone: it leaves every cafe. Never rejects. */
  function disconnect (connection: Connection): Promise<void> {
    connection.closed = true
    return queue(connection, async () => {
      await Promise.all([...connection.cafes].map(cafeId => {
        forget(connection, cafeId)
        return presence.lose(cafeId, personOf(connection), connection.id)
      }))
    })
  }

  /**
   * Waits for joins and leaves that came before: a client may go on without waiting for their acks. Never to be called from
   * within a step, which would wait for itself.
   * @throws CHAT_NOT_MEMBER
   */
  async function requireMember (connection: Connection, cafeId: string): Promise<void> {
    if (connection.pending > 0) await connection.steps
    if (!connection.cafes.has(cafeId)) throw refuse('CHAT_NOT_MEMBER')
  }

  return { connect, renew, join, leave, disconnect, requireMember }
}

export type MembershipService = ReturnType<typeof createMembership>

import type { Config } from '../schemas/config.ts'
import type { CafePresence, Person, StatusReply, UserPresences } from '../schemas/presence.ts'
import type { AttendanceService } from './attendance.ts'
import type { Budgets } from './budgets.ts'
import { refuse } from './errors.ts'
import type { Attendance, Broadcast, Bus, Cafes, Meter, Presence, Reporter, StatusUpdate } from './ports.ts'

interface Ports { presence: Presence, cafes: Cafes, bus: Bus, broadcast: Broadcast, meter: Meter, reporter: Reporter }

/** `news`: that they came, as long as nobody was told. `departing`: has no connection any more, and counts a while longer. */
interface Guest { user: Person, connections: Set<string>, entered: Promise<void>, news?: Attendance, departing?: NodeJS.Timeout }

/** Clients of a node that stops are asked to come back within so many milliseconds. */
export const RECONNECT_AFTER_MS = 3000

/** Heartbeats after which all nodes have mended what an outage left. */
const DOUBTFUL_BEATS = 3

/** Users whose activity waits to be written; that of more is not noted. */
const MAX_ACTIVE = 10_000

/**
 * Who is where. A user counts once: this node registers them with their first connection to a cafe and drops them with
 * the last. What could not be written while hot state was away is mended by the next heartbeat.
 */
export function createPresence (ports: Ports, { attendance, budgets }: { attendance: AttendanceService, budgets: Budgets }, config: Config) {
  const { presence, cafes, bus, broadcast, meter, reporter } = ports
  const { heartbeat, grace } = config.presence
  // cafe -> user -> their connections here
  const rooms = new Map<string, Map<string, Guest>>()
  const active = new Map<string, Person>()
  let stale = false
  let beating: Promise<void> | undefined

  // Heartbeats for which every cafe is counted again: other nodes mend what was lost with theirs.
  let doubtful = 0

  bus.onReconnect(() => { doubtful = DOUBTFUL_BEATS })
  bus.onNotice((cafeId, notice) => {
    if (notice.kind === 'attendance') attendance.note(notice.attendance)
    if (notice.kind === 'count') attendance.mend(cafeId, notice)
  })
  const heart = setInterval(beat, heartbeat)

  function tell (change: Attendance) {
    attendance.note(change)
    bus.publish(change.cafeId, { kind: 'attendance', attendance: change })
  }

  /**
   * A connection of the user is in the cafe. Resolves when it counts, to the number of users; `announce` tells the others.
   * `pay`: what the first connection has to do meanwhile. Rejects only as that does; then `leave` takes all of it back.
   */
  async function enter (cafeId: string, user: Person, connectionId: string, pay: () => Promise<void> = async () => {}): Promise<number> {
    attendance.open(cafeId)
    const room = rooms.get(cafeId) ?? new Map<string, Guest>()
    rooms.set(cafeId, room)
    const present = room.get(user.id)
    if (present !== undefined) {
      clearTimeout(present.departing)
      delete present.departing
      present.connections.add(connectionId)
      await present.entered
      return attendance.count(cafeId)
    }
    const entry = step(() => presence.enter(cafeId, user), { cafeId, user, action: 'join' })
    const guest: Guest = { user, connections: new Set([connectionId]), entered: entry.then(keepNews) }
    room.set(user.id, guest)
    const [{ userCount }] = await Promise.all([entry, guest.entered, pay()])
    return userCount

    function keepNews ({ changed, ...change }: Attendance & { changed: boolean }) {
      if (changed) guest.news = change
    }
  }

  /** Tells the others of the user who entered. Answers whether there was anything to tell: the first time, if they were nowhere in the cafe before. */
  function announce (cafeId: string, userId: string): boolean {
    const guest = rooms.get(cafeId)?.get(userId)
    if (guest?.news === undefined) return false
    tell(guest.news)
    delete guest.news
    return true
  }

  /** The connection is no longer in the cafe. Never rejects. */
  async function leave (cafeId: string, user: Person, connectionId: string): Promise<void> {
    if (isLast(cafeId, user, connectionId)) await depart(cafeId, user)
  }

  /** The connection was lost: with its last one the user counts a while longer, as they may come back at once. */
  async function lose (cafeId: string, user: Person, connectionId: string): Promise<void> {
    const guest = isLast(cafeId, user, connectionId)
    if (guest === undefined) return
    if (grace === 0) return depart(cafeId, user)
    guest.departing = setTimeout(() => depart(cafeId, user), grace)
  }

  function isLast (cafeId: string, user: Person, connectionId: string): Guest | undefined {
    const guest = rooms.get(cafeId)?.get(user.id)
    return guest?.connections.delete(connectionId) && guest.connections.size === 0 ? guest : undefined
  }

  async function depart (cafeId: string, user: Person) {
    const room = rooms.get(cafeId)!
    const guest = room.get(user.id)!
    room.delete(user.id)
    if (room.size === 0) rooms.delete(cafeId)
    const { changed, ...change } = await step(() => presence.leave(cafeId, user), { cafeId, user, action: 'leave' })
    // Who came unsaid goes unsaid, unless somebody has been told a count with them in it.
    const wasCounted = guest.news === undefined || change.userCount !== guest.news.userCount - 1
    if (changed && wasCounted) tell(change)
    if (!rooms.has(cafeId)) attendance.close(cafeId)
  }

  /** One step in hot state; while that is away a guess stands in, and a heartbeat mends it. */
  async function step (take: () => Promise<Attendance & { changed: boolean }>, otherwise: Omit<Attendance, 'userCount' | 'version'>) {
    const change = await take().catch(error => {
      stale = true
      failed(error, 'presence')
      return { ...attendance.guess(otherwise), changed: true }
    })
    attendance.observe(change)
    return change
  }

  /** Renews the lease, reaps dead nodes, mends what was missed; writes activity. One at a time. */
  function beat (): Promise<void> {
    beating ??= Promise.all([
      renew().catch(error => {
        stale = true
        failed(error, 'presence heartbeat')
      }),
      writeActivity().catch(error => failed(error, 'presence activity'))
    ]).then(() => { beating = undefined })
    return beating
  }

  function failed (error: unknown, what: string) {
    meter.count('hot_state_failures', 'presence')
    reporter.warn(error, what)
  }

  /** The user did something: it shows in `lastSeen` with the next heartbeat. */
  function noteActivity ({ id, username }: Person) {
    if (active.has(id) || active.size < MAX_ACTIVE) active.set(id, { id, username })
  }

  /** What cannot be written is forgotten: the next activity comes soon. */
  async function writeActivity () {
    const seen = [...active.values()]
    active.clear()
    if (seen.length > 0) await presence.touch(seen)
  }

  async function renew () {
    const { known, departed } = await presence.beat()
    for (const change of departed) tell(change)
    if (!known || stale) await mend()
    const suspects = doubtful > 0 ? [...rooms.keys()] : []
    doubtful = Math.max(0, doubtful - 1)
    await attendance.settle(suspects, presence.counts)
    for (const cafeId of suspects) {
      const latest = attendance.latest(cafeId)
      if (latest !== undefined) askToCount(cafeId, latest)
    }
  }

  /** What this node told the others of the cafe may have got lost: they are to count too. */
  function askToCount (cafeId: string, { userCount, version }: Pick<Attendance, 'userCount' | 'version'>) {
    bus.publish(cafeId, { kind: 'count', userCount, version })
  }

  async function mend () {
    stale = false
    doubtful = DOUBTFUL_BEATS
    const entries = [...rooms].flatMap(([cafeId, room]) => [...room.values()].map(({ user }) => ({ cafeId, user })))
    for (const change of await presence.sync(entries)) {
      if (change.action === 'leave') tell(change)
      else {
        // Who is here has been told of already.
        attendance.mend(change.cafeId, change)
        askToCount(change.cafeId, change)
      }
    }
  }

  /** @throws CHAT_VALIDATION, CHAT_RATE_LIMITED, CHAT_UNAVAILABLE while hot state is away */
  async function setStatus (user: Person, update: StatusUpdate): Promise<StatusReply> {
    if (update.textForMs !== undefined && update.text === undefined) {
      throw refuse('CHAT_VALIDATION', { message: 'textForMs needs a text', details: [{ field: 'text', rule: 'required' }] })
    }
    await spend(user.id)
    const { cafeIds, presence: { lastSeen, text, textExpiresAt } } = await presence.setStatus(user, update).catch(unavailable)
    const reply = { status: update.status, ...(text !== undefined && { text }), ...(textExpiresAt !== undefined && { textExpiresAt }) }
    for (const cafeId of cafeIds) broadcast.everywhere(cafeId, 'presence:update', { cafeId, userId: user.id, username: user.username, lastSeen, ...reply })
    return reply
  }

  /** Each cafe that the user is in will be told: all of them must have room. */
  async function spend (userId: string) {
    budgets.spendHere('presence', { userId })
    const places = await presence.cafesOf(userId).catch(unavailable)
    budgets.spendHere('presence', { places })
    await budgets.spendShared('presence', { userId, places })
  }

  /** @throws CHAT_CAFE_NOT_FOUND, CHAT_UNAVAILABLE */
  async function members (cafeId: string, limit: number, cursor?: string): Promise<CafePresence> {
    if (await cafes.get(cafeId) === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    const { userCount, users, next } = await presence.members(cafeId, limit, cursor).catch(unavailable)
    return { cafeId, userCount, users, ...(next !== undefined && { nextCursor: next }) }
  }

  /** @throws CHAT_UNAVAILABLE */
  async function find (userIds: readonly string[]): Promise<UserPresences> {
    return { users: await presence.find([...new Set(userIds)]).catch(unavailable) }
  }

  function unavailable (cause: unknown): never {
    throw refuse('CHAT_UNAVAILABLE', { retryAfterMs: 1000, cause })
  }

  /**
   * Gives up all that this node holds. Its clients are on their way to other nodes, if there are any: who gets there in time
   * has neither left nor come, and of the others those nodes tell.
   */
  async function stop () {
    clearInterval(heart)
    await beating
    for (const [cafeId, room] of rooms) {
      for (const { departing } of room.values()) clearTimeout(departing)
      attendance.close(cafeId)
    }
    rooms.clear()
    try {
      if (grace > 0 && await presence.handOver(grace + RECONNECT_AFTER_MS)) return
      for (const change of await presence.release()) tell(change)
    } catch (error) {
      reporter.warn(error, 'release presence')
    }
  }

  return { enter, announce, leave, lose, beat, noteActivity, setStatus, members, find, stop }
}

export type PresenceService = ReturnType<typeof createPresence>

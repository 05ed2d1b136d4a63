import type { Config } from '../schemas/config.ts'
import type { CafePresence, Person, StatusReply, UserPresences } from '../schemas/presence.ts'
import type { AttendanceService } from './attendance.ts'
import { refuse } from './errors.ts'
import type { Attendance, Broadcast, Bus, Cafes, Meter, Presence, Reporter, StatusUpdate } from './ports.ts'

interface Ports { presence: Presence, cafes: Cafes, bus: Bus, broadcast: Broadcast, meter: Meter, reporter: Reporter }

/** `departing`: has no connection any more, and counts a while longer. */
interface Guest { user: Person, connections: Set<string>, entered: Promise<void>, departing?: NodeJS.Timeout }

/** Users whose activity waits to be written; that of more is not noted. */
const MAX_ACTIVE = 10_000

/**
 * Who is where. A user counts once: this node registers them with their first connection to a cafe and drops them with
 * the last. What could not be written while hot state was away is mended by the next heartbeat.
 */
export function createPresence (ports: Ports, attendance: AttendanceService, config: Config) {
  const { presence, cafes, bus, broadcast, meter, reporter } = ports
  // cafe -> user -> their connections here
  const rooms = new Map<string, Map<string, Guest>>()
  const active = new Map<string, Person>()
  let stale = false
  let beating: Promise<void> | undefined

  bus.onNotice((_, notice) => { if (notice.kind === 'attendance') attendance.note(notice.attendance) })
  const heart = setInterval(beat, config.presence.heartbeat)

  function tell (change: Attendance) {
    attendance.note(change)
    bus.publish(change.cafeId, { kind: 'attendance', attendance: change })
  }

  /** A connection of the user is in the cafe. Resolves when it counts: `news` if the user was nowhere in it before. Never rejects. */
  async function enter (cafeId: string, user: Person, connectionId: string): Promise<{ userCount: number, news?: Attendance }> {
    attendance.open(cafeId)
    const room = rooms.get(cafeId) ?? new Map<string, Guest>()
    rooms.set(cafeId, room)
    const present = room.get(user.id)
    if (present !== undefined) {
      clearTimeout(present.departing)
      delete present.departing
      present.connections.add(connectionId)
      await present.entered
      return { userCount: attendance.count(cafeId) }
    }
    const entry = step(() => presence.enter(cafeId, user), { cafeId, user, action: 'join' })
    room.set(user.id, { user, connections: new Set([connectionId]), entered: entry.then(() => {}) })
    const { changed, ...change } = await entry
    return { userCount: change.userCount, ...(changed && { news: change }) }
  }

  /** The connection is no longer in the cafe. Never rejects. */
  async function leave (cafeId: string, user: Person, connectionId: string): Promise<void> {
    if (isLast(cafeId, user, connectionId)) await depart(cafeId, user)
  }

  /** The connection was lost: with its last one the user counts a while longer, as they may come back at once. */
  async function lose (cafeId: string, user: Person, connectionId: string): Promise<void> {
    const guest = isLast(cafeId, user, connectionId)
    if (guest === undefined) return
    if (config.presence.grace === 0) return depart(cafeId, user)
    guest.departing = setTimeout(() => depart(cafeId, user), config.presence.grace)
  }

  function isLast (cafeId: string, user: Person, connectionId: string): Guest | undefined {
    const guest = rooms.get(cafeId)?.get(user.id)
    return guest?.connections.delete(connectionId) && guest.connections.size === 0 ? guest : undefined
  }

  async function depart (cafeId: string, user: Person) {
    const room = rooms.get(cafeId)!
    room.delete(user.id)
    if (room.size === 0) rooms.delete(cafeId)
    const { changed, ...change } = await step(() => presence.leave(cafeId, user), { cafeId, user, action: 'leave' })
    if (changed) tell(change)
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
    if (known && !stale) return
    stale = false
    const entries = [...rooms].flatMap(([cafeId, room]) => [...room.values()].map(({ user }) => ({ cafeId, user })))
    for (const change of await presence.sync(entries)) tell(change)
  }

  /** @throws CHAT_VALIDATION, CHAT_UNAVAILABLE while hot state is away */
  async function setStatus (user: Person, update: StatusUpdate): Promise<StatusReply> {
    if (update.textForMs !== undefined && update.text === undefined) {
      throw refuse('CHAT_VALIDATION', { message: 'textForMs needs a text', details: [{ field: 'text', rule: 'required' }] })
    }
    const { cafeIds, presence: { lastSeen, text, textExpiresAt } } = await presence.setStatus(user, update).catch(unavailable)
    const reply = { status: update.status, ...(text !== undefined && { text }), ...(textExpiresAt !== undefined && { textExpiresAt }) }
    for (const cafeId of cafeIds) broadcast.everywhere(cafeId, 'presence:update', { cafeId, userId: user.id, username: user.username, lastSeen, ...reply })
    return reply
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

  /** Gives up all that this node holds, and says so to the others. */
  async function stop () {
    clearInterval(heart)
    await beating
    for (const [cafeId, room] of rooms) {
      for (const { departing } of room.values()) clearTimeout(departing)
      attendance.close(cafeId)
    }
    rooms.clear()
    try {
      for (const change of await presence.release()) tell(change)
    } catch (error) {
      reporter.warn(error, 'release presence')
    }
  }

  return { enter, leave, lose, tell, beat, noteActivity, setStatus, members, find, stop }
}

export type PresenceService = ReturnType<typeof createPresence>

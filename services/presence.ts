import type { Config } from '../schemas/config.ts'
import type { CafePresence, Person, Status } from '../schemas/presence.ts'
import type { AttendanceService } from './attendance.ts'
import { refuse } from './errors.ts'
import type { Attendance, Broadcast, Bus, Cafes, Meter, Presence, Reporter } from './ports.ts'

interface Ports { presence: Presence, cafes: Cafes, bus: Bus, broadcast: Broadcast, meter: Meter, reporter: Reporter }

interface Guest { user: Person, connections: Set<string>, entered: Promise<void> }

/**
 * Who is where. A user counts once: this node registers them with their first connection to a cafe and drops them with
 * the last. What could not be written while hot state was away is mended by the next heartbeat.
 */
export function createPresence (ports: Ports, attendance: AttendanceService, config: Config) {
  const { presence, cafes, bus, broadcast, meter, reporter } = ports
  // cafe -> user -> their connections here
  const rooms = new Map<string, Map<string, Guest>>()
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
    const room = rooms.get(cafeId)
    const guest = room?.get(user.id)
    if (room === undefined || guest === undefined || !guest.connections.delete(connectionId) || guest.connections.size > 0) return
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
      meter.count('hot_state_failures', 'presence')
      reporter.warn(error, 'presence')
      return { ...attendance.guess(otherwise), changed: true }
    })
    attendance.observe(change)
    return change
  }

  /** Renews the lease, reaps dead nodes, mends what was missed. One at a time. */
  function beat (): Promise<void> {
    beating ??= renew().catch(error => {
      stale = true
      meter.count('hot_state_failures', 'presence')
      reporter.warn(error, 'presence heartbeat')
    }).finally(() => { beating = undefined })
    return beating
  }

  async function renew () {
    const { known, departed } = await presence.beat()
    for (const change of departed) tell(change)
    if (known && !stale) return
    stale = false
    const entries = [...rooms].flatMap(([cafeId, room]) => [...room.values()].map(({ user }) => ({ cafeId, user })))
    for (const change of await presence.sync(entries)) tell(change)
  }

  /** @throws CHAT_UNAVAILABLE while hot state is away */
  async function setStatus (user: Person, status: Status): Promise<void> {
    const { cafeIds, lastSeen } = await presence.setStatus(user, status).catch(error => {
      throw refuse('CHAT_UNAVAILABLE', { retryAfterMs: 1000, cause: error })
    })
    const seen = new Date(lastSeen).toISOString()
    for (const cafeId of cafeIds) broadcast.everywhere(cafeId, 'presence:update', { cafeId, userId: user.id, username: user.username, status, lastSeen: seen })
  }

  /** @throws CHAT_CAFE_NOT_FOUND, CHAT_UNAVAILABLE */
  async function members (cafeId: string, limit: number): Promise<CafePresence> {
    if (await cafes.get(cafeId) === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    const { userCount, users } = await presence.members(cafeId, limit).catch(error => {
      throw refuse('CHAT_UNAVAILABLE', { retryAfterMs: 1000, cause: error })
    })
    return { cafeId, userCount, users }
  }

  /** Gives up all that this node holds, and says so to the others. */
  async function stop () {
    clearInterval(heart)
    await beating
    for (const cafeId of rooms.keys()) attendance.close(cafeId)
    rooms.clear()
    try {
      for (const change of await presence.release()) tell(change)
    } catch (error) {
      reporter.warn(error, 'release presence')
    }
  }

  return { enter, leave, tell, beat, setStatus, members, stop }
}

export type PresenceService = ReturnType<typeof createPresence>

import type { UsersUpdate } from '../schemas/events.ts'
import type { Person } from '../schemas/presence.ts'
import type { Attendance, Broadcast } from './ports.ts'

/** A room this large, or this many changes in a second, is told in summaries. */
const SMALL_ROOM = 50
const QUIET_CHANGES = 4
const QUIET_WINDOW_MS = 1000
/** A little more than half a second, so that also a late one makes no third within a second. */
const SUMMARY_MS = 600
const QUIET_AGAIN_MS = 2000
const SAMPLE = 20
const COUNTED_AT_ONCE = 500

type Count = Pick<Attendance, 'userCount' | 'version'>

interface Room extends Count {
  /** when the last few changes came */
  recent: number[]
  changedAt: number
  /** something is to be told in the next summary */
  news: boolean
  joined: Map<string, Person>
  left: Map<string, Person>
  timer: NodeJS.Timeout | undefined
}

/**
 * Tells the sockets of this node who came and went: one by one while a room is small and quiet, in summaries of at most
 * two a second otherwise. Every node hears of every change and tells its own sockets.
 */
export function createAttendance (broadcast: Broadcast, now: () => number) {
  const rooms = new Map<string, Room>()
  // of which something was heard since `settle`: something else may have got lost
  const unsettled = new Set<string>()
  let onLeave: (cafeId: string, userId: string) => void = () => {}

  /** Learns a count without telling anybody; an older one is ignored. */
  function observe ({ cafeId, userCount, version }: Attendance) {
    const room = rooms.get(cafeId)
    if (room === undefined) return
    unsettled.add(cafeId)
    if (version < room.version) return
    room.userCount = userCount
    room.version = version
  }

  /** Somebody came or went. */
  function note (attendance: Attendance) {
    const room = rooms.get(attendance.cafeId)
    if (room === undefined) return
    observe(attendance)
    if (attendance.action === 'leave') onLeave(attendance.cafeId, attendance.user.id)
    const time = now()
    room.changedAt = time
    room.recent = [...room.recent.filter(at => time - at < QUIET_WINDOW_MS), time].slice(-QUIET_CHANGES - 1)
    if (room.timer !== undefined || room.userCount > SMALL_ROOM || room.recent.length > QUIET_CHANGES) return collect(attendance, room)
    const { cafeId, action, user } = attendance
    // Not the step's own count: steps of two nodes may arrive the wrong way round, and the last one told must be the newest.
    const { userCount } = room
    // After the ack of the join that caused it.
    setImmediate(() => broadcast.local(cafeId, 'users:update', { cafeId, userCount, action, user }))
  }

  /** Somebody has counted again. It is compared with the store at the next heartbeat too: they may be behind. */
  function mend (cafeId: string, { userCount, version }: Count) {
    const room = rooms.get(cafeId)
    if (room === undefined) return
    unsettled.add(cafeId)
    if (version <= room.version) return
    room.version = version
    correct(cafeId, room, userCount)
  }

  function collect ({ cafeId, action, user }: Attendance, room: Room) {
    const [to, from] = action === 'join' ? [room.joined, room.left] : [room.left, room.joined]
    // Gone and back within one summary is no news.
    if (!from.delete(user.id) && to.size < SAMPLE) to.set(user.id, user)
    room.news = true
    room.timer ??= setTimeout(() => summarise(cafeId, room), SUMMARY_MS)
  }

  function summarise (cafeId: string, room: Room) {
    if (room.news) broadcast.local(cafeId, 'users:update', summaryOf(cafeId, room))
    room.news = false
    room.joined.clear()
    room.left.clear()
    room.timer = now() - room.changedAt < QUIET_AGAIN_MS ? setTimeout(() => summarise(cafeId, room), SUMMARY_MS) : undefined
  }

  /**
   * Compares with the store what was heard of cafes, and tells the members where it was not all.
   * @param cafeIds those to look at besides those of which something was heard since the last time
   */
  async function settle (cafeIds: Iterable<string>, count: (cafeIds: string[]) => Promise<number[]>) {
    const asked = [...new Set([...unsettled, ...cafeIds])].flatMap(cafeId => {
      const room = rooms.get(cafeId)
      return room === undefined ? [] : [{ cafeId, room, version: room.version }]
    })
    unsettled.clear()
    for (let start = 0; start < asked.length; start += COUNTED_AT_ONCE) {
      const some = asked.slice(start, start + COUNTED_AT_ONCE)
      const counts = await count(some.map(({ cafeId }) => cafeId))
      for (const [index, { cafeId, room, version }] of some.entries()) {
        // Where something was heard meanwhile the answer may be the older one.
        if (room.version === version && rooms.get(cafeId) === room) correct(cafeId, room, counts[index]!)
      }
    }
  }

  function correct (cafeId: string, room: Room, userCount: number) {
    if (room.userCount === userCount) return
    room.userCount = userCount
    room.news = true
    room.timer ??= setTimeout(() => summarise(cafeId, room), SUMMARY_MS)
  }

  const summaryOf = (cafeId: string, room: Room): UsersUpdate =>
    ({ cafeId, userCount: room.userCount, action: 'sync', joined: [...room.joined.values()], left: [...room.left.values()] })

  /** What a socket is told whose coming changed nothing: its user was there already. */
  function greeting (cafeId: string, user: Person): UsersUpdate {
    const room = rooms.get(cafeId)
    const userCount = room?.userCount ?? 0
    if (room?.timer === undefined && userCount <= SMALL_ROOM) return { cafeId, userCount, action: 'join', user }
    return { cafeId, userCount, action: 'sync', joined: [], left: [] }
  }

  /** The first socket of this node entered the cafe. */
  function open (cafeId: string) {
    if (!rooms.has(cafeId)) rooms.set(cafeId, { userCount: 0, version: 0, recent: [], changedAt: 0, news: false, joined: new Map(), left: new Map(), timer: undefined })
  }

  /** The last one left it. */
  function close (cafeId: string) {
    clearTimeout(rooms.get(cafeId)?.timer)
    rooms.delete(cafeId)
    unsettled.delete(cafeId)
  }

  /** The step as far as this node can tell by itself: one more or one less than it last heard. */
  function guess (step: Pick<Attendance, 'cafeId' | 'user' | 'action'>): Attendance {
    const { userCount, version } = rooms.get(step.cafeId) ?? { userCount: 0, version: 0 }
    return { ...step, userCount: Math.max(0, userCount + (step.action === 'join' ? 1 : -1)), version }
  }

  return {
    note,
    observe,
    guess,
    mend,
    settle,
    greeting,
    open,
    close,
    count: (cafeId: string) => rooms.get(cafeId)?.userCount ?? 0,
    /** What was heard last of a cafe that is open here. */
    latest: (cafeId: string): Count | undefined => rooms.get(cafeId),
    /** Hears of each who has left a cafe that is open here. */
    onLeave (listener: typeof onLeave) { onLeave = listener }
  }
}

export type AttendanceService = ReturnType<typeof createAttendance>

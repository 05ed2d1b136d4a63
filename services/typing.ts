import type { Config } from '../schemas/config.ts'
import type { TypingIndicator } from '../schemas/events.ts'
import type { Person } from '../schemas/presence.ts'
import type { AttendanceService } from './attendance.ts'
import type { Budgets } from './budgets.ts'
import { createCrowds } from './crowd.ts'
import type { Broadcast, Bus, Change } from './ports.ts'
import type { PresenceService } from './presence.ts'

/** What a node may stay silent about a typist before the others stop believing it, beyond the typing timeout. */
const SLACK_MS = 1000

/** A connection, as far as typing needs to know it. */
export interface Typing { id: string, user: Person }

interface Typist { user: Person, sources: Map<string, NodeJS.Timeout | undefined> }
/** `toldAt`: 0 until others see it. `begun`: resolves then, or rejects with the reason why they don't. */
interface Burst { connections: Set<string>, timer: NodeJS.Timeout | undefined, toldAt: number, begun: Promise<void> }

interface Others { budgets: Budgets, presence: Pick<PresenceService, 'noteActivity'>, attendance: Pick<AttendanceService, 'count' | 'onLeave'> }

/**
 * Who is typing. Connections of a user on this node make one burst, bursts on several nodes one typist: the others in the
 * cafe see one `true` and one `false`. A node that falls silent is forgotten by the others.
 */
export function createTyping (ports: { bus: Bus, broadcast: Broadcast }, { budgets, presence, attendance }: Others, config: Config, now: () => number) {
  const { bus, broadcast } = ports
  const { typingTimeout: timeout, typingRoom } = config.chat
  const crowds = createCrowds(broadcast)
  const HERE = ''
  // by cafe and user: what goes on here
  const bursts = new Map<string, Burst>()
  // cafe -> user -> from which nodes they are seen typing
  const rooms = new Map<string, Map<string, Typist>>()
  const keyOf = (cafeId: string, userId: string) => `${cafeId} ${userId}`

  bus.onNotice((cafeId, notice, nodeId) => {
    if (notice.kind === 'changes') return notice.changes.forEach(endAtNode)
    if (notice.kind !== 'typing') return
    if (notice.isTyping) see(cafeId, notice.user, nodeId)
    else unsee(cafeId, notice.user.id, nodeId)
  })

  // Their node may be dead, and say no more that they ceased.
  attendance.onLeave((cafeId, userId) => {
    for (const source of rooms.get(cafeId)?.get(userId)?.sources.keys() ?? []) if (source !== HERE) unsee(cafeId, userId, source)
  })

  /** Typed here, sent by way of another node: over REST, or from another device. */
  function endAtNode ({ kind, message: { cafeId, userId, username } }: Change) {
    if (kind === 'created') end(cafeId, { id: userId, username })
  }

  /** Begins or prolongs; resolves when others see it. @throws CHAT_RATE_LIMITED */
  async function start (cafeId: string, { id: connectionId, user: { id, username } }: Typing): Promise<void> {
    const user = { id, username }
    const key = keyOf(cafeId, id)
    const isNew = !bursts.has(key)
    budgets.spendHere('typing', { userId: id, places: isNew ? [cafeId] : [] })
    presence.noteActivity(user)
    const burst = bursts.get(key) ?? { connections: new Set(), timer: undefined, toldAt: 0, begun: Promise.resolve() }
    bursts.set(key, burst)
    burst.connections.add(connectionId)
    clearTimeout(burst.timer)
    burst.timer = setTimeout(() => end(cafeId, user), timeout)
    if (isNew) burst.begun = begin(cafeId, user, burst)
    await burst.begun
    // The others forget us unless they hear of it again, but not at every keystroke.
    if (bursts.get(key) === burst && now() - burst.toldAt >= timeout / 2) tell(cafeId, user, burst)
  }

  /** What others see is rationed over all nodes; a stop or a message may come before the answer, and then there is nothing to see. */
  async function begin (cafeId: string, user: Person, burst: Burst): Promise<void> {
    const key = keyOf(cafeId, user.id)
    try {
      await budgets.spendShared('typing', { userId: user.id, places: [cafeId] })
    } catch (refusal) {
      if (bursts.get(key) === burst) end(cafeId, user)
      throw refusal
    }
    if (bursts.get(key) !== burst) return
    see(cafeId, user, HERE)
    tell(cafeId, user, burst)
  }

  function tell (cafeId: string, user: Person, burst: Burst) {
    burst.toldAt = now()
    bus.publish(cafeId, { kind: 'typing', user, isTyping: true })
  }

  /** This connection ceased; the burst ends with its last one. */
  function stop (cafeId: string, { id: connectionId, user }: Typing) {
    const burst = bursts.get(keyOf(cafeId, user.id))
    if (burst?.connections.delete(connectionId) && burst.connections.size === 0) end(cafeId, user)
  }

  /** The burst is over: stopped, sent, or timed out. */
  function end (cafeId: string, { id, username }: Person) {
    const user = { id, username }
    const key = keyOf(cafeId, id)
    const burst = bursts.get(key)
    if (burst === undefined) return
    clearTimeout(burst.timer)
    bursts.delete(key)
    if (burst.toldAt === 0) return
    unsee(cafeId, user.id, HERE)
    bus.publish(cafeId, { kind: 'typing', user, isTyping: false })
  }

  function see (cafeId: string, user: Person, source: string) {
    const room = rooms.get(cafeId) ?? new Map<string, Typist>()
    rooms.set(cafeId, room)
    const typist = room.get(user.id)
    // A burst here ends by its own timer.
    const timer = source === HERE ? undefined : setTimeout(() => unsee(cafeId, user.id, source), timeout * 1.5 + SLACK_MS)
    if (typist !== undefined) {
      clearTimeout(typist.sources.get(source))
      typist.sources.set(source, timer)
      return
    }
    room.set(user.id, { user, sources: new Map([[source, timer]]) })
    show(cafeId, user, true)
  }

  function unsee (cafeId: string, userId: string, source: string) {
    const room = rooms.get(cafeId)
    const typist = room?.get(userId)
    if (room === undefined || typist === undefined) return
    clearTimeout(typist.sources.get(source))
    if (!typist.sources.delete(source) || typist.sources.size > 0) return
    room.delete(userId)
    if (room.size === 0) rooms.delete(cafeId)
    show(cafeId, typist.user, false)
  }

  function show (cafeId: string, user: Person, isTyping: boolean) {
    // Whoever was shown in one way is taken back in the same, though the room has grown or shrunk.
    if (isTyping ? attendance.count(cafeId) > typingRoom : crowds.has(cafeId, user.id)) return crowds.note(cafeId, user, isTyping)
    broadcast.local(cafeId, 'typing:indicator', { cafeId, userId: user.id, username: user.username, isTyping }, user.id)
  }

  /** What a connection must hear that comes to the cafe now: of each who was said to type, and will be said to have ceased. */
  function current (cafeId: string, userId: string): TypingIndicator[] {
    const one = [...rooms.get(cafeId)?.values() ?? []]
      .filter(({ user: { id } }) => !crowds.has(cafeId, id))
      .map(({ user: { id, username } }) => ({ cafeId, userId: id, username, isTyping: true }))
    return [...one, ...crowds.current(cafeId)].filter(indicator => indicator.userId !== userId)
  }

  function close () {
    for (const { timer } of bursts.values()) clearTimeout(timer)
    for (const room of rooms.values()) for (const { sources } of room.values()) for (const timer of sources.values()) clearTimeout(timer)
    crowds.close()
    bursts.clear()
    rooms.clear()
  }

  return { start, stop, end, current, close }
}

export type TypingService = ReturnType<typeof createTyping>

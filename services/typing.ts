import type { Config } from '../schemas/config.ts'
import type { Person } from '../schemas/presence.ts'
import type { AttendanceService } from './attendance.ts'
import { createCrowds } from './crowd.ts'
import type { Broadcast, Bus, Change } from './ports.ts'
import type { PresenceService } from './presence.ts'

/** What a node may stay silent about a typist before the others stop believing it, beyond the typing timeout. */
const SLACK_MS = 1000

/** A connection, as far as typing needs to know it. */
export interface Typing { id: string, user: Person }

interface Typist { user: Person, sources: Map<string, NodeJS.Timeout | undefined> }
interface Burst { connections: Set<string>, timer: NodeJS.Timeout, toldAt: number }

interface Others { presence: Pick<PresenceService, 'noteActivity'>, attendance: Pick<AttendanceService, 'count'> }

/**
 * Who is typing. Connections of a user on this node make one burst, bursts on several nodes one typist: the others in the
 * cafe see one `true` and one `false`. A node that falls silent is forgotten by the others.
 */
export function createTyping (ports: { bus: Bus, broadcast: Broadcast }, { presence, attendance }: Others, config: Config, now: () => number) {
  const { bus, broadcast } = ports
  const { typingTimeout: timeout, typingRoom } = config.chat
  const crowds = createCrowds(broadcast)
  const HERE = ''
  // by cafe and user: what goes on here, and who is seen typing from which nodes
  const bursts = new Map<string, Burst>()
  const typists = new Map<string, Typist>()
  const keyOf = (cafeId: string, userId: string) => `${cafeId} ${userId}`

  bus.onNotice((cafeId, notice, nodeId) => {
    if (notice.kind === 'changes') return notice.changes.forEach(endAtNode)
    if (notice.kind !== 'typing') return
    if (notice.isTyping) see(cafeId, notice.user, nodeId)
    else unsee(cafeId, notice.user.id, nodeId)
  })

  /** Typed here, sent by way of another node: over REST, or from another device. */
  function endAtNode ({ kind, message: { cafeId, userId, username } }: Change) {
    if (kind === 'created') end(cafeId, { id: userId, username })
  }

  /** Begins or prolongs. */
  function start (cafeId: string, { id: connectionId, user: { id, username } }: Typing) {
    const user = { id, username }
    presence.noteActivity(user)
    const key = keyOf(cafeId, user.id)
    const burst = bursts.get(key)
    const timer = setTimeout(() => end(cafeId, user), timeout)
    if (burst === undefined) {
      bursts.set(key, { connections: new Set([connectionId]), timer, toldAt: now() })
      see(cafeId, user, HERE)
      return bus.publish(cafeId, { kind: 'typing', user, isTyping: true })
    }
    clearTimeout(burst.timer)
    burst.timer = timer
    burst.connections.add(connectionId)
    // The others forget us unless they hear of it again, but not at every keystroke.
    if (now() - burst.toldAt < timeout / 2) return
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
    unsee(cafeId, user.id, HERE)
    bus.publish(cafeId, { kind: 'typing', user, isTyping: false })
  }

  function see (cafeId: string, user: Person, source: string) {
    const key = keyOf(cafeId, user.id)
    const typist = typists.get(key)
    // A burst here ends by its own timer.
    const timer = source === HERE ? undefined : setTimeout(() => unsee(cafeId, user.id, source), timeout * 1.5 + SLACK_MS)
    if (typist !== undefined) {
      clearTimeout(typist.sources.get(source))
      typist.sources.set(source, timer)
      return
    }
    typists.set(key, { user, sources: new Map([[source, timer]]) })
    show(cafeId, user, true)
  }

  function unsee (cafeId: string, userId: string, source: string) {
    const key = keyOf(cafeId, userId)
    const typist = typists.get(key)
    if (typist === undefined) return
    clearTimeout(typist.sources.get(source))
    if (!typist.sources.delete(source) || typist.sources.size > 0) return
    typists.delete(key)
    show(cafeId, typist.user, false)
  }

  function show (cafeId: string, user: Person, isTyping: boolean) {
    // Whoever was shown in one way is taken back in the same, though the room has grown or shrunk.
    if (isTyping ? attendance.count(cafeId) > typingRoom : crowds.has(cafeId, user.id)) return crowds.note(cafeId, user, isTyping)
    broadcast.local(cafeId, 'typing:indicator', { cafeId, userId: user.id, username: user.username, isTyping }, user.id)
  }

  function close () {
    for (const { timer } of bursts.values()) clearTimeout(timer)
    for (const { sources } of typists.values()) for (const timer of sources.values()) clearTimeout(timer)
    crowds.close()
    bursts.clear()
    typists.clear()
  }

  return { start, stop, end, close }
}

export type TypingService = ReturnType<typeof createTyping>

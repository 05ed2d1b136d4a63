import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { TEXT_FOR_MS, type Member, type Person, type Status, type UserPresence } from '../../schemas/presence.ts'
import type { Attendance, Presence } from '../../services/ports.ts'
import { cafeUsers, nodeEntries, userCafes } from './keys.ts'
import { beatNode, beginSync, enterCafe, handOverNode, leaveCafe, releaseNode, syncPiece } from './scripts-presence.ts'
import { cafeMembers, findUsers, setUserStatus, touchUsers } from './scripts-statuses.ts'

/** Entries that one script call touches at most: a few milliseconds of Redis. */
const PIECE = 500
const STATUSES: readonly Status[] = ['online', 'away', 'busy']

interface Entry { cafeId: string, user: Person }
interface Difference extends Entry { action: Attendance['action'] }

const entryOf = (cafeId: string, userId: string) => `${cafeId} ${userId}`

/**
 * Presence over leases of nodes. Everything this node writes goes through one connection, in order, and each step has a
 * number: a step that got lost makes the next heartbeat answer `known: false`, and the sync that follows mends it.
 * `lease`: milliseconds after which this node counts as dead.
 */
export function createPresence (data: (key: string) => Redis, nodeId: string, lease: number): Presence {
  const own = data(nodeEntries(nodeId))
  let steps = 0
  let newest = 0
  // Names the sync that made this node known, or that is under way; `touched` only while it is.
  let epoch = ''
  let touched: Set<string> | undefined

  /** Numbers the next step: that before it, and its own. */
  function nextStep (cafeId: string, user: Person): [string, string] {
    touched?.add(entryOf(cafeId, user.id))
    return [String(steps++), String(steps)]
  }

  function attend (action: Attendance['action'], cafeId: string, user: Person, userCount: number, version: number): Attendance {
    newest = Math.max(newest, version)
    return { cafeId, user, action, userCount, version }
  }

  function departures (fields: Array<string | number>): Attendance[] {
    return chunk(fields, 5).map(([cafeId, id, username, userCount, version]) =>
      attend('leave', String(cafeId), { id: String(id), username: String(username) }, Number(userCount), Number(version)))
  }

  async function heldEntries (): Promise<Set<string>> {
    const held = new Set<string>()
    let cursor = '0'
    do {
      const [next, page] = await own.sscan(nodeEntries(nodeId), cursor, 'COUNT', PIECE)
      for (const entry of page) held.add(entry)
      cursor = next
    } while (cursor !== '0')
    return held
  }

  /** Makes the differences, piece by piece. Stops when another sync or a reaper overtakes it: then `beat` says so. */
  async function write (differences: Difference[], name: string, since: ReadonlySet<string>): Promise<Attendance[]> {
    const changes: Attendance[] = []
    for (let start = 0, last = false; !last; start += PIECE) {
      last = start + PIECE >= differences.length
      // Who came or went since the sync began is newer than the list it was given.
      const piece = differences.slice(start, start + PIECE).filter(({ cafeId, user }) => !since.has(entryOf(cafeId, user.id)))
      const args = piece.flatMap(({ action, cafeId, user }) => [action, cafeId, user.id, user.username])
      const [ok, ...changed] = await syncPiece(own, [], [nodeId, name, newest, last ? 1 : 0, ...args])
      for (const [index, username, userCount, version] of chunk(changed, 4)) {
        const { action, cafeId, user: { id } } = piece[Number(index)]!
        changes.push(attend(action, cafeId, { id, username: String(username) }, Number(userCount), Number(version)))
      }
      if (ok === 0) break
    }
    return changes
  }

  return {
    async enter (cafeId, user) {
      const [changed, userCount, version] = await enterCafe(own, [], [nodeId, lease, newest, ...nextStep(cafeId, user), cafeId, user.id, user.username])
      return { ...attend('join', cafeId, user, userCount, version), changed: changed === 1 }
    },

    async leave (cafeId, user) {
      const [changed, userCount, version] = await leaveCafe(own, [], [nodeId, newest, ...nextStep(cafeId, user), cafeId, user.id])
      return { ...attend('leave', cafeId, user, userCount, version), changed: changed === 1 }
    },

    async beat () {
      const [known, ...departed] = await beatNode(own, [], [nodeId, lease, newest, epoch, steps, PIECE])
      return { known: known === 1, departed: departures(departed) }
    },

    async sync (entries) {
      const mine = randomUUID()
      const since = new Set<string>()
      epoch = mine
      touched = since
      try {
        await beginSync(own, [], [nodeId, lease, mine, steps])
        return await write(differences(entries, await heldEntries()), mine, since)
      } finally {
        if (touched === since) touched = undefined
      }
    },

    async release () {
      const gone: Attendance[] = []
      for (let taken = PIECE; taken === PIECE;) {
        const [count, ...departed] = await releaseNode(own, [], [nodeId, newest, PIECE])
        gone.push(...departures(departed))
        taken = count
      }
      return gone
    },

    async handOver (afterMs) {
      return await handOverNode(own, [], [nodeId, afterMs]) === 1
    },

    cafesOf: userId => data(userCafes(userId)).smembers(userCafes(userId)),

    async setStatus (user, { status, text, textForMs = TEXT_FOR_MS }) {
      const answer = await setUserStatus(own, [], [user.id, user.username, status, text === undefined ? 'keep' : 'set', text ?? '', textForMs])
      const cafeIds = answer.slice(5) as string[]
      const [presence] = toPresence(user.id, cafeIds.length > 0, answer)
      if (presence === undefined) throw new Error('PresenceStatus did not answer what it wrote')
      return { cafeIds, presence }
    },

    async touch (users) {
      for (let start = 0; start < users.length; start += PIECE) {
        await touchUsers(own, [], users.slice(start, start + PIECE).flatMap(({ id, username }) => [id, username]))
      }
    },

    async members (cafeId, limit, cursor = '') {
      const [userCount, ...fields] = await cafeMembers(data(cafeUsers(cafeId)), [], [cafeId, limit + 1, cursor])
      const found = chunk(fields, 6)
      const page = found.slice(0, limit)
      const users = page.flatMap(([id, ...said]) => toPresence(String(id), true, said)) as Member[]
      return { userCount, users, ...(found.length > limit && { next: String(page.at(-1)![0]) }) }
    },

    async find (userIds) {
      const fields = await findUsers(own, [], userIds)
      return chunk(fields, 6).flatMap(([isHere, ...said], index) => toPresence(userIds[index]!, isHere === 1, said as Array<string | null>))
    },

    counts: (cafeIds) => Promise.all(cafeIds.map(cafeId => data(cafeUsers(cafeId)).scard(cafeUsers(cafeId))))
  }
}

/** From name, status, lastSeen, text and its end. Nobody is named of whom Redis lost the name. */
function toPresence (id: string, isHere: boolean, [username, status, lastSeen, text, textUntil]: Array<string | null>): UserPresence[] {
  const seen = new Date(Number(lastSeen))
  if (username == null || Number.isNaN(seen.getTime())) return []
  const own = STATUSES.find(known => known === status) ?? 'online'
  const words = text == null ? {} : { text, textExpiresAt: new Date(Number(textUntil)).toISOString() }
  return [{ id, username, status: isHere ? own : 'offline', lastSeen: seen.toISOString(), ...words }]
}

/** What must be done for a node that holds `held` to hold exactly `entries`. The names of those who leave are Redis's to know. */
function differences (entries: readonly Entry[], held: ReadonlySet<string>): Difference[] {
  const wanted = new Map(entries.map(({ cafeId, user }) => [entryOf(cafeId, user.id), { action: 'join' as const, cafeId, user }]))
  const joins = [...wanted].flatMap(([key, join]) => held.has(key) ? [] : [join])
  const leaves = [...held].filter(key => !wanted.has(key)).map(key => {
    const [cafeId = '', id = ''] = key.split(' ')
    return { action: 'leave' as const, cafeId, user: { id, username: '' } }
  })
  return [...joins, ...leaves]
}

function chunk<T> (list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size))
}

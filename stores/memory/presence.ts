import type { Member, Person, Status } from '../../schemas/presence.ts'
import type { Attendance, Presence } from '../../services/ports.ts'
import { createLru } from './lru.ts'

/** Users that are in no cafe but said what they are: the one who said it longest ago is forgotten first. */
const MAX_ABSENT = 10_000

interface Guest extends Person { status: Status, lastSeen: number, cafes: Set<string> }

/** One process: it is never reaped and knows of no other node. What it holds is as much as its sockets are in. */
export function createPresence (now: () => number): Presence {
  const cafes = new Map<string, Map<string, Guest>>()
  const guests = new Map<string, Guest>()
  const absent = createLru<Status>(MAX_ABSENT)
  let last = 0

  function attend (action: Attendance['action'], cafeId: string, user: Person): Attendance {
    last = Math.max(now() * 1000, last + 1)
    return { cafeId, user, action, userCount: cafes.get(cafeId)?.size ?? 0, version: last }
  }

  function take (cafeId: string, { id, username }: Person): boolean {
    const guest = guests.get(id) ?? { id, username, status: absent.get(id) ?? 'online', lastSeen: 0, cafes: new Set() }
    absent.delete(id)
    guests.set(id, Object.assign(guest, { username, lastSeen: now() }))
    const room = cafes.get(cafeId) ?? new Map<string, Guest>()
    cafes.set(cafeId, room.set(id, guest))
    const isNew = !guest.cafes.has(cafeId)
    guest.cafes.add(cafeId)
    return isNew
  }

  function drop (cafeId: string, userId: string): boolean {
    const room = cafes.get(cafeId)
    const guest = room?.get(userId)
    if (room === undefined || guest === undefined) return false
    room.delete(userId)
    if (room.size === 0) cafes.delete(cafeId)
    guest.lastSeen = now()
    guest.cafes.delete(cafeId)
    if (guest.cafes.size === 0) guests.delete(userId)
    return true
  }

  function dropAll (except: ReadonlySet<string>): Attendance[] {
    const gone: Attendance[] = []
    for (const [cafeId, room] of [...cafes]) {
      for (const { id, username } of [...room.values()]) {
        if (!except.has(`${cafeId} ${id}`) && drop(cafeId, id)) gone.push(attend('leave', cafeId, { id, username }))
      }
    }
    return gone
  }

  return {
    async enter (cafeId, user) {
      const changed = take(cafeId, user)
      return { ...attend('join', cafeId, user), changed }
    },

    async leave (cafeId, user) {
      const changed = drop(cafeId, user.id)
      return { ...attend('leave', cafeId, user), changed }
    },

    async beat () {
      return { known: true, departed: [] }
    },

    async sync (entries) {
      const came = entries.flatMap(({ cafeId, user }) => take(cafeId, user) ? [attend('join', cafeId, user)] : [])
      return [...came, ...dropAll(new Set(entries.map(({ cafeId, user }) => `${cafeId} ${user.id}`)))]
    },

    async release () {
      return dropAll(new Set())
    },

    async setStatus ({ id, username }, status) {
      const lastSeen = now()
      const guest = guests.get(id)
      if (guest === undefined) absent.set(id, status)
      else Object.assign(guest, { username, status, lastSeen })
      return { cafeIds: [...guest?.cafes ?? []], lastSeen }
    },

    async members (cafeId, limit) {
      const room = cafes.get(cafeId) ?? new Map<string, Guest>()
      return { userCount: room.size, users: [...room.values()].slice(0, limit).map(toMember) }
    },

    async counts (cafeIds) {
      return cafeIds.map(cafeId => cafes.get(cafeId)?.size ?? 0)
    }
  }
}

const toMember = ({ id, username, status, lastSeen }: Guest): Member => ({ id, username, status, lastSeen: new Date(lastSeen).toISOString() })

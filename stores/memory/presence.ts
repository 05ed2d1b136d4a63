import { TEXT_FOR_MS, type Person, type Status, type UserPresence } from '../../schemas/presence.ts'
import type { Attendance, Presence, StatusUpdate } from '../../services/ports.ts'
import { createLru } from './lru.ts'

/** Users that are in no cafe: the one of whom nothing was heard for longest is forgotten first. */
const MAX_ABSENT = 10_000

/** `textUntil`: epoch milliseconds. */
interface Guest extends Person { status: Status, lastSeen: number, text: string, textUntil: number, cafes: Set<string> }

/** One process: it is never reaped and knows of no other node. What it holds is as much as its sockets are in. */
export function createPresence (now: () => number): Presence {
  const cafes = new Map<string, Map<string, Guest>>()
  const guests = new Map<string, Guest>()
  const absent = createLru<Guest>(MAX_ABSENT)
  let last = 0

  /** A user, known or not, wherever they are; who does something is seen. */
  function meet ({ id, username }: Person): Guest {
    const guest = guests.get(id) ?? absent.get(id) ?? { id, username, status: 'online', lastSeen: 0, text: '', textUntil: 0, cafes: new Set() }
    return Object.assign(guest, { username, lastSeen: now() })
  }

  function keep (guest: Guest): Guest {
    if (guest.cafes.size === 0) absent.set(guest.id, guest)
    return guest
  }

  function attend (action: Attendance['action'], cafeId: string, user: Person): Attendance {
    last = Math.max(now() * 1000, last + 1)
    return { cafeId, user, action, userCount: cafes.get(cafeId)?.size ?? 0, version: last }
  }

  function take (cafeId: string, user: Person): boolean {
    const guest = meet(user)
    absent.delete(user.id)
    guests.set(user.id, guest)
    const room = cafes.get(cafeId) ?? new Map<string, Guest>()
    cafes.set(cafeId, room.set(user.id, guest))
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
    if (guest.cafes.size > 0) return true
    guests.delete(userId)
    // Whoever comes anew is online; words last as long as they were said to.
    keep(Object.assign(guest, { status: 'online' }))
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

  function toMember ({ id, username, status, lastSeen, text, textUntil }: Guest) {
    const isSaid = text !== '' && textUntil > now()
    return { id, username, status, lastSeen: iso(lastSeen), ...(isSaid && { text, textExpiresAt: iso(textUntil) }) }
  }

  // What somebody in no cafe said of themselves is for when they come.
  const toPresence = (guest: Guest): UserPresence => guest.cafes.size > 0 ? toMember(guest) : { ...toMember(guest), status: 'offline' }

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

    async handOver () {
      return false
    },

    async cafesOf (userId) {
      return [...guests.get(userId)?.cafes ?? []]
    },

    async setStatus (user, { status, text, textForMs = TEXT_FOR_MS }: StatusUpdate) {
      const guest = Object.assign(keep(meet(user)), { status })
      if (text !== undefined) Object.assign(guest, { text, textUntil: now() + textForMs })
      return { cafeIds: [...guest.cafes], presence: toPresence(guest) }
    },

    async touch (users) {
      for (const user of users) keep(meet(user))
    },

    async members (cafeId, limit, cursor = '') {
      const room = cafes.get(cafeId) ?? new Map<string, Guest>()
      const ids = [...room.keys()].filter(id => id > cursor).sort()
      const users = ids.slice(0, limit).map(id => toMember(room.get(id)!))
      return { userCount: room.size, users, ...(ids.length > limit && { next: users.at(-1)!.id }) }
    },

    async find (userIds) {
      return userIds.flatMap(id => {
        const guest = guests.get(id) ?? absent.get(id)
        return guest === undefined ? [] : [toPresence(guest)]
      })
    },

    async counts (cafeIds) {
      return cafeIds.map(cafeId => cafes.get(cafeId)?.size ?? 0)
    }
  }
}

const iso = (at: number) => new Date(at).toISOString()

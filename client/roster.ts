import type { PresenceUpdate, UsersUpdate } from '../schemas/events.ts'
import type { CafePresence, Member, Person } from '../schemas/presence.ts'

/** More are counted, but not known by name; a page may name as many. */
export const MOST_MEMBERS = 1000

/** Whom a client knows to be in a cafe: pages of members, kept up to date by what is heard. In a large room that is a part of all. */
export function createRoster (onChange: () => void, now = Date.now) {
  const members = new Map<string, Member>()
  let isKept = false
  let snapshot: readonly Member[] | undefined

  function change () {
    snapshot = undefined
    onChange()
  }

  function put (member: Member) {
    if (members.size < MOST_MEMBERS || members.has(member.id)) members.set(member.id, member)
  }

  function come ({ id, username }: Person) {
    if (!members.has(id)) put({ id, username, status: 'online', lastSeen: new Date(now()).toISOString() })
  }

  return {
    /** A page of members. A first one, `isFirst`, replaces what was known. */
    takePage ({ users }: CafePresence, isFirst: boolean) {
      isKept = true
      if (isFirst) members.clear()
      users.forEach(put)
      change()
    },
    hearUsers (update: UsersUpdate) {
      if (!isKept) return
      if (update.action === 'sync') {
        update.joined?.forEach(come)
        update.left?.forEach(({ id }) => members.delete(id))
      } else if (update.action === 'join') {
        come(update.user)
      } else if (update.action === 'leave') {
        members.delete(update.user.id)
      }
      change()
    },
    hearStatus ({ cafeId, userId, ...others }: PresenceUpdate) {
      if (!isKept) return
      put({ id: userId, ...others })
      change()
    },
    /** It is not known any more. */
    drop () {
      isKept = false
      members.clear()
      change()
    },
    /** Somebody has asked for it, and so it must be asked for again when the connection was another one. */
    get isKept (): boolean { return isKept },
    /** In no order. */
    get list (): readonly Member[] {
      snapshot ??= Object.freeze([...members.values()])
      return snapshot
    }
  }
}

import type { Message } from '../../schemas/messages.ts'
import type { Change, RecentMessages } from '../../services/ports.ts'
import { createLru } from './lru.ts'

/** Cafes whose newest messages are kept; the one not used for longest is forgotten first. */
const MAX_CAFES = 1000

interface List { rev: number, messages: Message[] }

/** `size`: messages kept of a cafe. */
export function createRecentMessages (size: number): RecentMessages {
  const cafes = createLru<List>(MAX_CAFES)

  return {
    async apply (cafeId, changes) {
      const held = cafes.get(cafeId)
      if (held === undefined && changes[0]?.rev !== 1) return null
      const list = held ?? { rev: 0, messages: [] }
      for (const change of changes) {
        if (change.rev === list.rev + 1 && !step(list, change, size)) {
          cafes.delete(cafeId)
          return null
        }
      }
      cafes.set(cafeId, list)
      return list.rev
    },

    async replace (cafeId, rev, messages) {
      const kept = messages.slice(0, size)
      assertWhole(kept, size)
      const held = cafes.get(cafeId)
      if (held === undefined || held.rev <= rev) cafes.set(cafeId, { rev, messages: kept })
    },

    async read (cafeId) {
      const list = cafes.get(cafeId)
      return list === undefined ? null : { rev: list.rev, messages: [...list.messages] }
    }
  }
}

/** Takes one change that follows. False: it does not fit the list, which then cannot be right. */
function step (list: List, { rev, kind, message }: Change, size: number): boolean {
  const head = list.messages[0]?.seq ?? 0
  if (kind === 'created') {
    if (message.seq !== head + 1) return false
    list.messages.unshift(message)
    list.messages.length = Math.min(list.messages.length, size)
  } else {
    const entry = list.messages[head - message.seq]
    // An entry may be ahead of the list: it never goes back to an older state.
    if (entry !== undefined && entry.rev <= message.rev) list.messages[head - message.seq] = message
  }
  list.rev = rev
  return true
}

/** @throws RangeError for a part: a list must have no hole, and reach down to seq 1 or over its full size */
export function assertWhole (messages: readonly Message[], size: number) {
  const head = messages[0]?.seq ?? 0
  const isWhole = messages.length >= Math.min(head, size) && messages.every(({ seq }, index) => seq === head - index)
  if (!isWhole) throw new RangeError(`${messages.length} messages up to seq ${head} are a part, not the newest ${size}`)
}

import type { Redis } from 'ioredis'
import type { Message } from '../../schemas/messages.ts'
import type { Meter, RecentMessages } from '../../services/ports.ts'
import { assertWhole } from '../memory/recent.ts'
import { cafeMessages, cafeRev } from './keys.ts'
import { applyChanges, dropDamaged, readAll, replaceAll } from './scripts-recent.ts'
import { isMessageOf, parseJson } from './shapes.ts'

/** A list that nobody writes to for so long is forgotten. */
const LIFE_MS = 24 * 3600 * 1000

/** `size`: messages kept of a cafe. */
export function createRecentMessages (data: (key: string) => Redis, size: number, meter: Meter): RecentMessages {
  const laneOf = (cafeId: string) => data(cafeMessages(cafeId))
  const keysOf = (cafeId: string) => [cafeMessages(cafeId), cafeRev(cafeId)]

  return {
    async apply (cafeId, changes) {
      const args = changes.flatMap(({ rev, kind, message }) => [rev, kind, message.seq, message.rev, JSON.stringify(message)])
      // Without changes the script starts nothing and only says what is held.
      return applyChanges(laneOf(cafeId), keysOf(cafeId), [size, LIFE_MS, ...(args.length > 0 ? args : [0, 'deleted', 0, 0, ''])])
    },

    async replace (cafeId, rev, messages) {
      const kept = messages.slice(0, size)
      assertWhole(kept, size)
      await replaceAll(laneOf(cafeId), keysOf(cafeId), [size, LIFE_MS, rev, kept[0]?.seq ?? 0, ...kept.map(message => JSON.stringify(message))])
    },

    async read (cafeId) {
      const [state, ...entries] = await readAll(laneOf(cafeId), keysOf(cafeId), [size])
      const found = state === undefined ? null : parseList(cafeId, state, entries)
      meter.count(found === null ? 'cache_misses' : 'cache_hits')
      if (found === null && state !== undefined) await dropDamaged(laneOf(cafeId), keysOf(cafeId), [state])
      return found
    }
  }
}

/** The whole list, or null if any message is not as it must be. `state`: '<rev> <seq>', which the script has checked. */
function parseList (cafeId: string, state: string, entries: string[]) {
  const [rev, seq] = state.split(' ').map(Number) as [number, number]
  const messages: Message[] = []
  for (const [index, entry] of entries.entries()) {
    const message = parseJson(entry)
    if (!isMessageOf(cafeId, message) || message.seq !== seq - index) return null
    messages.push(message)
  }
  return { rev, messages }
}

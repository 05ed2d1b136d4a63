import type { Config } from '../../schemas/config.ts'
import type { Repeats } from '../../services/ports.ts'
import { createLru } from './lru.ts'

/** Pairs of user and cafe that are remembered; the one not used for longest is forgotten first. */
const MAX_RECORDS = 50_000

/** `CHAT_LIMITS=off`, or a window of 0: no content is a repeated one. */
export function createNoRepeats (): Repeats {
  return {
    async check () { return 0 },
    async forget () {}
  }
}

export function createRepeats ({ enabled, repeatWindow }: Config['limits'], now: () => number): Repeats {
  if (!enabled || repeatWindow === 0) return createNoRepeats()
  const records = createLru<{ digest: string, clientId: string | undefined, until: number }>(MAX_RECORDS)
  const keyOf = (userId: string, cafeId: string) => `${userId} ${cafeId}`

  return {
    async check (userId, cafeId, digest, clientId) {
      const key = keyOf(userId, cafeId)
      const record = records.get(key)
      if (record !== undefined && record.digest === digest && record.until > now()) {
        return clientId !== undefined && clientId === record.clientId ? 0 : record.until - now()
      }
      records.set(key, { digest, clientId, until: now() + repeatWindow })
      return 0
    },

    async forget (userId, cafeId, digest) {
      const key = keyOf(userId, cafeId)
      if (records.get(key)?.digest === digest) records.delete(key)
    }
  }
}

import type { Config } from '../../schemas/config.ts'
import type { Action, Limits, Shortage, Spender } from '../../services/ports.ts'
import { type Bucket, createBuckets } from './buckets.ts'

/** In which as many tokens come back as a bucket holds. */
export const WINDOW_MS = 10_000

/** The buckets that an action takes from: the user's first, then those of the places. */
export function bucketsOf (rates: Config['limits']['rates'], action: Action, { userId, places = [] }: Spender): Array<Bucket & { of: Shortage['of'], id: string }> {
  const { user, cafe } = rates[action]
  return [
    ...(userId === undefined ? [] : [{ of: 'user' as const, id: userId, name: `${action} ${userId}`, points: user }]),
    ...places.map(id => ({ of: 'cafe' as const, id, name: `${action} at ${id}`, points: cafe }))
  ]
}

/** The longest of the waits, or undefined if nobody has to wait. */
export function shortageOf (buckets: ReadonlyArray<{ of: Shortage['of'] }>, waits: readonly number[]): Shortage | undefined {
  const waitMs = Math.max(0, ...waits)
  return waitMs === 0 ? undefined : { of: buckets[waits.indexOf(waitMs)]!.of, waitMs }
}

/** `CHAT_LIMITS=off`. */
export function createNoLimits (): Limits {
  return {
    takeHere () { return undefined },
    async takeShared () { return undefined },
    async giveBack () {}
  }
}

/** One process: what it counts by itself is all there is. */
export function createLimits ({ enabled, rates }: Config['limits'], now: () => number, window = WINDOW_MS): Limits {
  if (!enabled) return createNoLimits()
  const held = createBuckets(window, now)

  return {
    takeHere (action, spender) {
      const buckets = bucketsOf(rates, action, spender)
      return shortageOf(buckets, held.take(buckets))
    },
    async takeShared () { return undefined },
    async giveBack (action, spender) { held.giveBack(bucketsOf(rates, action, spender)) }
  }
}

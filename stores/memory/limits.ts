import { RateLimiterMemory, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible'
import type { Config } from '../../schemas/config.ts'
import type { Limits, Reporter } from '../../services/ports.ts'

/** A window begins with the first send in it. */
export const WINDOW_SECONDS = 10

/** Counts in this process; what was not taken cannot be given back. A count goes with its window. */
export function createMemoryBucket (keyPrefix: string, points: number, duration: number): RateLimiterAbstract {
  const bucket = new RateLimiterMemory({ keyPrefix, points, duration })
  const reward = bucket.reward.bind(bucket)
  bucket.reward = async (key, amount) => {
    const held = await bucket.get(key)
    return held === null || held.consumedPoints <= 0 ? new RateLimiterRes(points, 0, 0) : reward(key, amount)
  }
  return bucket
}

/** One bucket per user and one per cafe: both must have room, and a refused send takes from neither. */
export function createBuckets (users: RateLimiterAbstract, cafes: RateLimiterAbstract, reporter?: Reporter): Limits {
  // 0, or the milliseconds until the window ends. A bucket that fails lets pass: a limit is no reason to lose a message.
  async function consume (bucket: RateLimiterAbstract, key: string): Promise<number> {
    try {
      await bucket.consume(key)
      return 0
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext))
      reporter?.warn(refusal, 'rate limit')
      return 0
    }
  }

  async function giveBack (userId: string, cafeId: string) {
    try {
      await Promise.all([users.reward(userId), cafes.reward(cafeId)])
    } catch (error) {
      reporter?.warn(error, 'give back to the rate limit')
    }
  }

  return {
    async take (userId, cafeId) {
      const [user, cafe] = await Promise.all([consume(users, userId), consume(cafes, cafeId)])
      if (user === 0 && cafe === 0) return 0
      await giveBack(userId, cafeId)
      return Math.max(user, cafe)
    },
    giveBack
  }
}

/** `CHAT_LIMITS=off`. */
export function createNoLimits (): Limits {
  return {
    async take () { return 0 },
    async giveBack () {}
  }
}

/** `seconds`: length of a window. */
export function createLimits ({ enabled, userRate, cafeRate }: Config['limits'], seconds = WINDOW_SECONDS): Limits {
  if (!enabled) return createNoLimits()
  return createBuckets(createMemoryBucket('user', userRate, seconds), createMemoryBucket('cafe', cafeRate, seconds))
}

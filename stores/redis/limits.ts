import type { Redis } from 'ioredis'
import { RateLimiterRedis, type RateLimiterAbstract } from 'rate-limiter-flexible'
import type { Config } from '../../schemas/config.ts'
import type { Limits, Reporter } from '../../services/ports.ts'
import { createBuckets, createMemoryBucket, createNoLimits, WINDOW_SECONDS } from '../memory/limits.ts'
import { limitPrefix } from './keys.ts'
import { countInWindow } from './scripts-limits.ts'

/**
 * Buckets that all nodes share; while Redis is away each node counts for itself. `seconds`: length of a window.
 * Both buckets go over one connection, so a send costs one round trip.
 */
export function createLimits (data: (key: string) => Redis, { enabled, userRate, cafeRate }: Config['limits'], reporter: Reporter, seconds = WINDOW_SECONDS): Limits {
  if (!enabled) return createNoLimits()

  const createBucket = (what: 'user' | 'cafe', points: number): RateLimiterAbstract => new RateLimiterRedis({
    storeClient: data(limitPrefix('user')),
    keyPrefix: limitPrefix(what),
    points,
    duration: seconds,
    customIncrTtlLuaScript: countInWindow,
    rejectIfRedisNotReady: true,
    insuranceLimiter: createMemoryBucket(what, points, seconds)
  })

  return createBuckets(createBucket('user', userRate), createBucket('cafe', cafeRate), reporter)
}

import { createLru } from './lru.ts'

/** Buckets that are remembered; the one not used for longest is forgotten first, and is a full one again. */
const MAX_BUCKETS = 100_000

/** A bucket by its name, of `points` that come back evenly within `window` milliseconds. */
export interface Bucket { name: string, points: number }

/**
 * Buckets of tokens. Of each only the time is kept when it will be full again, in whole microseconds, so that nothing has
 * to run for them and sums stay exact. A time that lies too far ahead, as after a clock that went back, is an empty bucket.
 */
export function createBuckets (window: number, now: () => number) {
  const fullAt = createLru<number>(MAX_BUCKETS)
  const clock = () => Math.floor(now() * 1000)
  const pauseOf = ({ points }: Bucket) => Math.max(1, Math.floor(window * 1000 / points))

  /** When the bucket is full again. */
  function look (bucket: Bucket, time: number): number {
    const full = fullAt.get(bucket.name) ?? time
    const latest = time + pauseOf(bucket) * bucket.points
    if (full > latest) fullAt.set(bucket.name, latest)
    return Math.min(Math.max(full, time), latest)
  }

  /** Takes one from each of them if each has one, else from none. Answers the milliseconds that each has to wait, 0 for one that has. */
  function take (buckets: readonly Bucket[]): number[] {
    const time = clock()
    const ends = buckets.map(bucket => look(bucket, time) + pauseOf(bucket))
    const waits = buckets.map((bucket, index) => Math.max(0, Math.ceil((ends[index]! - time - pauseOf(bucket) * bucket.points) / 1000)))
    if (waits.every(wait => wait === 0)) for (const [index, { name }] of buckets.entries()) fullAt.set(name, ends[index]!)
    return waits
  }

  /** An empty one has its next in so many milliseconds: what somebody else knows better. */
  function align (bucket: Bucket, waitMs: number) {
    fullAt.set(bucket.name, clock() + waitMs * 1000 + pauseOf(bucket) * (bucket.points - 1))
  }

  /** Puts one back into each; a full one stays as it is. */
  function giveBack (buckets: readonly Bucket[]) {
    const time = clock()
    for (const bucket of buckets) {
      const full = look(bucket, time) - pauseOf(bucket)
      if (full > time) fullAt.set(bucket.name, full)
      else fullAt.delete(bucket.name)
    }
  }

  return { take, align, giveBack }
}

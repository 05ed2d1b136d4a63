import type { Redis } from 'ioredis'
import type { Config } from '../../schemas/config.ts'
import type { Action, Limits, Meter, Reporter, Spender } from '../../services/ports.ts'
import { createBuckets } from '../memory/buckets.ts'
import { bucketsOf, createNoLimits, shortageOf, WINDOW_MS } from '../memory/limits.ts'
import { limitOf } from './keys.ts'
import type { Run } from './scripts.ts'
import { giveTokensBack, takeTokens } from './scripts-limits.ts'

interface Ports { now: () => number, meter: Meter, reporter: Reporter }

/**
 * Buckets that all nodes share, behind this node's own: what these refuse does not get as far as Redis, and while that is
 * away they are the ones that count. They go on from what they have seen, so an outage is no fresh start for anybody.
 */
export function createLimits (data: (key: string) => Redis, limits: Config['limits'], { now, meter, reporter }: Ports, window = WINDOW_MS): Limits {
  if (!limits.enabled) return createNoLimits()
  const own = createBuckets(window, now)

  function note (error: unknown) {
    meter.count('hot_state_failures', 'limits')
    reporter.warn(error, 'limits')
  }

  /** One round trip, whatever the number of buckets. */
  function ask (script: Run<number[]>, action: Action, spender: Spender) {
    const buckets = bucketsOf(limits.rates, action, spender)
    const keys = buckets.map(({ of, id }) => limitOf(action, of, id))
    return { buckets, reply: script(data(keys[0]!), keys, [window, ...buckets.map(({ points }) => points)]) }
  }

  return {
    takeHere (action, spender) {
      const buckets = bucketsOf(limits.rates, action, spender)
      return shortageOf(buckets, own.take(buckets))
    },

    async takeShared (action, spender) {
      const { buckets, reply } = ask(takeTokens, action, spender)
      try {
        const waits = await reply
        const shortage = shortageOf(buckets, waits)
        if (shortage === undefined) return undefined
        // What is short is so here too, or each further try would go to Redis, and for as long as was told. The rest has not been used.
        for (const [index, bucket] of buckets.entries()) {
          if (waits[index] === 0) own.giveBack([bucket])
          else own.align(bucket, waits[index]!)
        }
        return shortage
      } catch (error) {
        note(error)
      }
    },

    async giveBack (action, spender) {
      const { buckets, reply } = ask(giveTokensBack, action, spender)
      own.giveBack(buckets)
      await reply.catch(note)
    }
  }
}

import type { Redis } from 'ioredis'
import type { Config } from '../../schemas/config.ts'
import type { Meter, Repeats, Reporter } from '../../services/ports.ts'
import { createNoRepeats, createRepeats as createMemoryRepeats } from '../memory/repeats.ts'
import { repeatOf } from './keys.ts'
import { checkRepeat, forgetRepeat } from './scripts-repeats.ts'

/** Shared by all nodes; while Redis is away each node remembers for itself. */
export function createRepeats (data: (key: string) => Redis, limits: Config['limits'], ports: { now: () => number, meter: Meter, reporter: Reporter }): Repeats {
  if (!limits.enabled || limits.repeatWindow === 0) return createNoRepeats()
  const insurance = createMemoryRepeats(limits, ports.now)

  function note (error: unknown) {
    ports.meter.count('hot_state_failures', 'repeats')
    ports.reporter.warn(error, 'repeated content')
  }

  return {
    async check (userId, cafeId, digest, clientId) {
      const key = repeatOf(userId, cafeId)
      try {
        return await checkRepeat(data(key), [key], [digest, clientId ?? '', limits.repeatWindow])
      } catch (error) {
        note(error)
        return insurance.check(userId, cafeId, digest, clientId)
      }
    },

    async forget (userId, cafeId, digest) {
      const key = repeatOf(userId, cafeId)
      // Redis may have gone between the check and now: the record may be in either.
      await insurance.forget(userId, cafeId, digest)
      await forgetRepeat(data(key), [key], [digest]).catch(note)
    }
  }
}

import t from 'tap'
import type { Config } from '../../../schemas/config.ts'
import { createMemoryState } from '../../../stores/memory/index.ts'
import { createLimits } from '../../../stores/memory/limits.ts'
import { createRecentMessages } from '../../../stores/memory/recent.ts'
import { createRepeats } from '../../../stores/memory/repeats.ts'
import { createTopics } from '../../../stores/memory/topics.ts'
import { loadConfig } from '../../../plugins/config.ts'
import { alertsContract } from '../../contracts/alerts.ts'
import { busContract } from '../../contracts/bus.ts'
import { limitsContract } from '../../contracts/limits.ts'
import { presenceContract } from '../../contracts/presence.ts'
import { recentContract } from '../../contracts/recent.ts'
import { repeatsContract } from '../../contracts/repeats.ts'
import { topicsContract, topicsUnderTest } from '../../contracts/topics.ts'

const config = loadConfig({})
const state = createMemoryState({ config, now: Date.now })
const recent = createRecentMessages(10)
const sharedLimits = once(({ limits, window }: { limits: Pick<Config['limits'], 'enabled' | 'rates'>, window: number }) => createLimits({ ...config.limits, ...limits }, Date.now, window))
const topics = createTopics(topicsUnderTest)

t.test('recent messages in memory', t => recentContract(t, async () => recent))
t.test('presence in memory (one node)', t => presenceContract(t, async () => state.presence))
t.test('topics in memory', t => topicsContract(t, async () => topics))
t.test('limits in memory', t => limitsContract(t, async (limits, window) => sharedLimits({ limits, window })))
t.test('repeats in memory', t => repeatsContract(t, once(limits => createRepeats({ ...config.limits, ...limits }, Date.now))))
t.test('bus in memory (one node)', t => busContract(t, async () => state.bus))
t.test('alerts in memory (one node)', t => alertsContract(t, async () => state.alerts))

/** One process has one store: the same for the same options. */
function once<O, P> (create: (options: O) => P) {
  const made = new Map<string, P>()
  return async (options: O): Promise<P> => {
    const key = JSON.stringify(options)
    const port = made.get(key) ?? create(options)
    made.set(key, port)
    return port
  }
}

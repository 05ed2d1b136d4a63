import t from 'tap'
import { loadConfig } from '../../../plugins/config.ts'
import { createLimits } from '../../../stores/redis/limits.ts'
import { createPresence } from '../../../stores/redis/presence.ts'
import { createRecentMessages } from '../../../stores/redis/recent.ts'
import { createRepeats } from '../../../stores/redis/repeats.ts'
import { createTopics } from '../../../stores/redis/topics.ts'
import { alertsContract, alertsNodesContract } from '../../contracts/alerts.ts'
import { busContract } from '../../contracts/bus.ts'
import { busNodesContract } from '../../contracts/bus-nodes.ts'
import { newId } from '../../contracts/cast.ts'
import { limitsContract } from '../../contracts/limits.ts'
import { presenceContract } from '../../contracts/presence.ts'
import { presenceNodesContract } from '../../contracts/presence-nodes.ts'
import { recentContract } from '../../contracts/recent.ts'
import { repeatsContract } from '../../contracts/repeats.ts'
import { topicsContract, topicsUnderTest } from '../../contracts/topics.ts'
import { startRedis } from '../../support/servers.ts'
import { openState } from './state.ts'

const { url } = await startRedis(t)
const config = loadConfig({})
const nodes = await Promise.all([openState(t, url), openState(t, url), openState(t, url)])
let asked = 0
/** One node after the other. */
const nextNode = () => nodes[asked++ % nodes.length]!

t.test('recent messages in Redis', t => recentContract(t, async () => {
  const { data, meter } = nextNode()
  return createRecentMessages(data, 10, meter)
}))

t.test('presence in Redis', t => presenceContract(t, async () => nextNode().presence))

t.test('presence in Redis, several nodes', t => presenceNodesContract(t, {
  join: async (lease = 12_000) => createPresence(nextNode().data, newId(), lease),
  flush: async () => { await nodes[0]!.clients.data[0]!.flushall() }
}))

t.test('topics in Redis', t => topicsContract(t, async () => createTopics(nextNode().data, topicsUnderTest)))

t.test('limits in Redis', t => limitsContract(t, async (limits, window) => {
  const { data, meter, reporter } = nextNode()
  return createLimits(data, { ...config.limits, ...limits }, { now: Date.now, meter, reporter }, window)
}))

t.test('repeats in Redis', t => repeatsContract(t, async limits => {
  const { data, meter, reporter } = nextNode()
  return createRepeats(data, { ...config.limits, ...limits }, { now: Date.now, meter, reporter })
}))

t.test('bus in Redis', t => busContract(t, async () => nextNode().bus))
t.test('bus in Redis, several nodes', t => busNodesContract(t, async nodeId => (await openState(t, url, { nodeId })).bus))

t.test('alerts in Redis', t => alertsContract(t, async () => nextNode().alerts))
t.test('alerts in Redis, several nodes', t => alertsNodesContract(t, async nodeId => (await openState(t, url, { nodeId })).alerts))

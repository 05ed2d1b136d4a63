import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { loadConfig } from '../../../plugins/config.ts'
import type { Counted, Meter, Reporter } from '../../../services/ports.ts'
import { createRedisClients, lane, type RedisClients } from '../../../stores/redis/clients.ts'
import { createRedisState } from '../../../stores/redis/index.ts'
import { createSeal } from '../../../stores/redis/seal.ts'
import { createSubscriptions } from '../../../stores/redis/subscriptions.ts'

/** Of all nodes in these tests. */
export const seal = createSeal(Buffer.alloc(32, 'one of ours'))

/** A meter and a reporter that remember. */
export function createWitness () {
  const counts = new Map<string, number>()
  const reports: Array<{ what: string, error: unknown }> = []
  const meter: Meter = {
    count (name, label, by = 1) {
      const key = label === undefined ? name : `${name} ${label}`
      counts.set(key, (counts.get(key) ?? 0) + by)
    }
  }
  const reporter: Reporter = { warn: (error, what) => { reports.push({ what, error }) } }
  const counted = (name: Counted, label?: string) => counts.get(label === undefined ? name : `${name} ${label}`) ?? 0
  return { meter, reporter, counted, reports }
}

/** Connections that are ready and end with the test. */
export async function openClients (t: Test, url: string, poolSize = 5): Promise<RedisClients> {
  const clients = createRedisClients(url, poolSize, { warn () {}, info () {} })
  t.teardown(() => clients.close())
  await clients.ready()
  return clients
}

/** The hot state of one node on the Redis at `url`. */
export async function openState (t: Test, url: string, { env = {}, nodeId = randomUUID() }: { env?: Record<string, string>, nodeId?: string } = {}) {
  const clients = await openClients(t, url)
  const witness = createWitness()
  const config = loadConfig(env)
  const data = (key: string) => lane(clients, key)
  const feed = createSubscriptions(clients.feed, error => witness.reporter.warn(error, 'subscribe to cafes'))
  const state = createRedisState({ data, feed, isDeaf: () => false, seal, config, nodeId, now: Date.now, meter: witness.meter, reporter: witness.reporter })
  return { ...state, ...witness, clients, config, data, nodeId }
}

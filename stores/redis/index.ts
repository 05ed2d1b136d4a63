import type { Redis } from 'ioredis'
import type { Config } from '../../schemas/config.ts'
import type { HotState, Meter, Reporter } from '../../services/ports.ts'
import { createAlerts } from './alerts.ts'
import { createBus } from './bus.ts'
import { createLimits } from './limits.ts'
import { createPresence } from './presence.ts'
import { createRecentMessages } from './recent.ts'
import { createRepeats } from './repeats.ts'
import type { Seal } from './seal.ts'
import type { Subscriptions } from './subscriptions.ts'
import { createTopics } from './topics.ts'

export interface RedisStateOptions {
  /** The connection of a key: one of several, so that commands about one key stay in order and share round trips. */
  data: (key: string) => Redis
  /** Of cafes. `isDeaf`: Redis answers, but what it publishes does not arrive. */
  feed: Subscriptions
  isDeaf: () => boolean
  /** Of what the nodes tell each other. */
  seal: Seal
  config: Config
  /** Random at each start of the process. */
  nodeId: string
  now: () => number
  meter: Meter
  reporter: Reporter
}

/** Hot state that any number of nodes share. Calls reject while Redis is away, within 300 ms, but for limits and repeats. */
export function createRedisState ({ data, feed, isDeaf, seal, config, nodeId, now, meter, reporter }: RedisStateOptions): HotState {
  return {
    recent: createRecentMessages(data, config.chat.cacheSize, meter),
    presence: createPresence(data, nodeId, config.presence.lease),
    topics: createTopics(data, config.topics),
    limits: createLimits(data, config.limits, { now, meter, reporter }),
    repeats: createRepeats(data, config.limits, { now, meter, reporter }),
    bus: createBus({ data, feed, isDeaf, seal }, nodeId, meter, reporter),
    alerts: createAlerts({ data, feed, seal }, nodeId, meter, reporter)
  }
}

import type { Config } from '../../schemas/config.ts'
import type { HotState } from '../../services/ports.ts'
import { createAlerts } from './alerts.ts'
import { createBus } from './bus.ts'
import { createLimits } from './limits.ts'
import { createPresence } from './presence.ts'
import { createRecentMessages } from './recent.ts'
import { createRepeats } from './repeats.ts'
import { createTopics } from './topics.ts'

/**
 * Hot state of ONE process: a second node would not see it, and a restart forgets it. For several nodes there is stores/redis.
 * What grows with use has a ceiling, named in each file (MAX_...); presence is as large as what the sockets are in.
 */
export function createMemoryState ({ config, now }: { config: Config, now: () => number }): HotState {
  return {
    recent: createRecentMessages(config.chat.cacheSize),
    presence: createPresence(now),
    topics: createTopics(config.topics),
    limits: createLimits(config.limits, now),
    repeats: createRepeats(config.limits, now),
    bus: createBus(),
    alerts: createAlerts()
  }
}

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import type { HotState } from '../services/ports.ts'
import { createMemoryState } from '../stores/memory/index.ts'
import { createDurable, type Durable } from '../stores/postgres/index.ts'
import { createGuardedAdapter } from '../stores/redis/adapter.ts'
import { createCanary } from '../stores/redis/canary.ts'
import { redisVersion } from '../stores/redis/clients.ts'
import { createRedisState } from '../stores/redis/index.ts'
import { canaryChannel } from '../stores/redis/keys.ts'
import { createSeal } from '../stores/redis/seal.ts'
import { createSubscriptions, type Subscriptions } from '../stores/redis/subscriptions.ts'

export interface Stores {
  durable: Durable
  hot: HotState
  /** What carries events between nodes; undefined for one process. Once the database is migrated and Redis is reached. */
  adapter: () => Promise<ReturnType<typeof createGuardedAdapter> | undefined>
}

declare module 'fastify' {
  interface FastifyInstance { stores: Stores }
}

/** From here on Redis has channels that follow its keys' slots, and needs no node to hear of rooms it has not. */
const SHARDED_SINCE = 7
/** Turns of the canary after which a node that hears nothing should get no more traffic. */
const DEAF_TURNS = 6

/** The one place that chooses drivers: PostgreSQL always, hot state by the presence of REDIS_URL. */
async function stores (fastify: FastifyInstance) {
  const { config, log, pg } = fastify
  const durable = createDurable(pg.pool, { sendQueue: config.chat.sendQueue, sendBatch: config.chat.sendBatch, timeout: config.postgres.timeout, maxWaiting: config.postgres.maxWaiting })
  if (config.redis.url === undefined) {
    log.info({ driver: 'memory' }, 'hot state in memory: this process only')
    fastify.decorate('stores', { durable, hot: createMemoryState({ config, now: Date.now }), adapter: async () => undefined })
    return
  }
  log.info({ driver: 'redis' }, 'hot state in Redis: any number of nodes')
  fastify.decorate('stores', { durable, ...createShared(fastify, durable) })
}

function createShared (fastify: FastifyInstance, durable: Durable): Omit<Stores, 'durable'> {
  const { config, health: { nodeId }, metrics: { meter }, redis, redisLane, reporter } = fastify
  const { feed, publisher, subscriber } = redis as unknown as Record<'feed' | 'publisher' | 'subscriber', Redis>
  const seal = createSeal()
  const cafes = createSubscriptions(feed, error => reporter.warn(error, 'subscribe to cafes'))
  const rooms = createSubscriptions(subscriber, error => {
    meter.count('dropped_frames', 'adapter_subscribe')
    reporter.warn(error, 'subscribe to other nodes')
  })
  const { isDeaf } = watchHearing(fastify, { cafes, rooms })
  return {
    hot: createRedisState({ data: redisLane, feed: cafes, isDeaf, seal, config, nodeId, now: Date.now, meter, reporter }),
    async adapter () {
      seal.use(await durable.frameKey())
      const sharded = await redisVersion(publisher) >= SHARDED_SINCE
      return createGuardedAdapter({ publisher, subscriber: rooms, sharded, seal, meter, reporter })
    }
  }
}

/** Has each connection that listens listen for itself; a node that stays deaf is not ready. */
function watchHearing (fastify: FastifyInstance, connections: Record<string, Subscriptions>) {
  const { config: { redis: { canary: every } }, health, redisLane } = fastify
  const deaf = new Set<string>()
  const canaries = Object.entries(connections).map(([name, subscriptions]) => {
    const channel = canaryChannel(health.nodeId, name)
    const publish = (channel: string, text: string) => redisLane(channel).publish(channel, text)
    return createCanary({ subscriptions, channel, publish, every, onHearing })

    function onHearing (deafForMs: number) {
      // By half a turn earlier, as turns come a little late.
      deaf[deafForMs > (DEAF_TURNS - 0.5) * every ? 'add' : 'delete'](name)
      health.set('feed', deaf.size > 0 ? 'down' : 'up', [...deaf].join(' and '))
    }
  })
  fastify.addHook('preClose', async () => { for (const { stop } of canaries) stop() })
  return { isDeaf: () => canaries.some(({ isDeaf }) => isDeaf()) }
}

export default fp(stores, { name: 'stores', dependencies: ['config', 'health', 'metrics', 'pg', 'redis', 'reporter'] })

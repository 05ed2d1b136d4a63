import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import type { HotState } from '../services/ports.ts'
import { createMemoryState } from '../stores/memory/index.ts'
import { createDurable, type Durable } from '../stores/postgres/index.ts'
import { createGuardedAdapter } from '../stores/redis/adapter.ts'
import { redisVersion } from '../stores/redis/clients.ts'
import { createRedisState } from '../stores/redis/index.ts'

export interface Stores {
  durable: Durable
  hot: HotState
  /** What carries events between nodes, once Redis is reached; undefined for one process. */
  adapter: () => Promise<ReturnType<typeof createGuardedAdapter> | undefined>
}

declare module 'fastify' {
  interface FastifyInstance { stores: Stores }
}

/** From here on Redis has channels that follow its keys' slots, and needs no node to hear of rooms it has not. */
const SHARDED_SINCE = 7

/** The one place that chooses drivers: PostgreSQL always, hot state by the presence of REDIS_URL. */
async function stores (fastify: FastifyInstance) {
  const { config, log, pg } = fastify
  const durable = createDurable(pg.pool, { sendQueue: config.chat.sendQueue, timeout: config.postgres.timeout, maxWaiting: config.postgres.maxWaiting })
  if (config.redis.url === undefined) {
    log.info({ driver: 'memory' }, 'hot state in memory: this process only')
    fastify.decorate('stores', { durable, hot: createMemoryState({ config, now: Date.now }), adapter: async () => undefined })
    return
  }
  log.info({ driver: 'redis' }, 'hot state in Redis: any number of nodes')
  fastify.decorate('stores', { durable, ...createShared(fastify) })
}

function createShared ({ config, health, metrics: { meter }, redis, redisLane, reporter }: FastifyInstance): Omit<Stores, 'durable'> {
  const { feed, publisher, subscriber } = redis as unknown as Record<string, Redis>
  return {
    hot: createRedisState({ data: redisLane, feed: feed!, config, nodeId: health.nodeId, now: Date.now, meter, reporter }),
    adapter: async () => createGuardedAdapter({
      publisher: publisher!,
      subscriber: subscriber!,
      sharded: await redisVersion(publisher!) >= SHARDED_SINCE,
      meter,
      reporter
    })
  }
}

export default fp(stores, { name: 'stores', dependencies: ['config', 'health', 'metrics', 'pg', 'redis', 'reporter'] })

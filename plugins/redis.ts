import fastifyRedis from '@fastify/redis'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'
import { createRedisClients, lane, type Log } from '../stores/redis/clients.ts'
import { toLog } from './errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The data connection of a key. */
    redisLane: (key: string) => Redis
    /**
     * Resolves when Redis was reached for the first time, at once without REDIS_URL.
     * Rejects when Redis answers that it will never serve this URL, or the server closes first.
     */
    redisReady: Promise<void>
  }
}

/** Redis answers, and time won't change what: the password, the user or the number of the database is wrong. */
const REFUSAL = /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR DB index)/

/**
 * `fastify.redis.publisher`, `.subscriber`, `.feed` and `.data0` ... on REDIS_URL; without it there is no `fastify.redis`.
 * A Redis that is away does not stop the boot.
 */
async function redis (fastify: FastifyInstance) {
  const { config: { redis: { url, poolSize } }, health, log } = fastify
  fastify.decorate('redisReady', Promise.resolve())
  if (url === undefined) return

  const clients = createRedisClients(url, poolSize, withoutCommands(log))
  // Registered before Socket.IO, so it runs after the adapter has unsubscribed.
  fastify.addHook('onClose', clients.close)
  // A host server may have a Redis of its own: ours are `fastify.redis` in our scope.
  fastify.decorate('redis', Object.create(null))
  const { publisher, subscriber, feed, data } = clients
  const named = { publisher, subscriber, feed, ...Object.fromEntries(data.map((client, index) => [`data${index}`, client])) }
  for (const [namespace, client] of Object.entries(named)) await fastify.register(decorateOnly(namespace, client))

  const all = Object.values(named)
  const update = () => health.set('redis', all.every(({ status }) => status === 'ready') ? 'up' : 'down', all.find(({ status }) => status !== 'ready')?.status)
  for (const client of all) client.on('ready', update).on('close', update)

  const refused = new Promise<never>((_resolve, reject) => {
    for (const client of all) {
      client.on('error', (error: Error) => {
        if (REFUSAL.test(error.message)) reject(new Error(`REDIS_URL is refused: ${error.message}`))
      })
    }
  })
  fastify.redisReady = Promise.race([clients.ready(), refused])
  // Nobody may be waiting for it when the server closes before Redis was ever there.
  fastify.redisReady.catch(() => {})
  fastify.decorate('redisLane', key => lane(clients, key))
}

/** ioredis adds the command to an error that Redis answers: the one of a login has the password in it. */
function withoutCommands (log: Log): Log {
  return {
    info: (details, message) => log.info(details, message),
    warn: (details, message) => log.warn({ ...details, err: toLog((details as { err?: unknown }).err) }, message)
  }
}

/**
 * @fastify/redis decorates at once, then holds the boot until Redis answers, and gives the client up for good when Redis has no
 * address yet or refuses it. We go on without waiting, and the client tries again: so its listeners go.
 */
function decorateOnly (namespace: string, client: Redis) {
  return fp(function redisClient (fastify: FastifyInstance, _options: object, done: () => void) {
    const events = ['ready', 'error', 'end'] as const
    const ours = new Set(events.flatMap(event => client.listeners(event)))
    fastifyRedis.default(fastify, { namespace, client } as never, () => {})
    for (const event of events) {
      for (const listener of client.listeners(event)) if (!ours.has(listener)) client.off(event, listener as never)
    }
    done()
  })
}

export default fp(redis, { name: 'redis', dependencies: ['config', 'health'] })

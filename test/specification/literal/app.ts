import fastifyJwt from '@fastify/jwt'
import { createAdapter } from '@socket.io/redis-adapter'
import fastify, { LogController, type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Server } from 'socket.io'
import { initializeChat, type User } from './chat.ts'
import { createMessages } from './messages.ts'
import { addRest } from './rest.ts'
import { createTables } from './tables.ts'
import { createTopics } from './topics.ts'

export interface LiteralOptions {
  /** Of an empty database, or of one that this server filled before. */
  databaseUrl: string
  redisUrl: string
  jwtSecret: string
  logLevel?: string
  /** Seconds a cafe's topics live after its newest message; default 3600. */
  topicExpirySeconds?: number
  /** Default 600. */
  messagesPerMinute?: number
}

/**
 * The specification taken at its word: the same commands on Redis and PostgreSQL in the same order, with the same faults.
 * It is what klatsch is compared with, so it must not be mended. Answers a Fastify server that does not listen yet; users
 * and cafes are rows that the caller inserts. `close` ends its connections too.
 */
export async function buildLiteral (options: LiteralOptions): Promise<FastifyInstance> {
  const app = fastify({ logger: { level: options.logLevel ?? 'info' }, logController: new LogController({ disableRequestLogging: true }) })
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 20 })
  const redis = new Redis(options.redisUrl)
  const publisher = new Redis(options.redisUrl)
  const subscriber = publisher.duplicate()
  const io = new Server(app.server, { adapter: createAdapter(publisher, subscriber) })

  await createTables(pool)
  await app.register(fastifyJwt, { secret: options.jwtSecret, verify: { algorithms: ['HS256'] } })
  const topics = createTopics(redis, options.topicExpirySeconds ?? 3600)
  const messages = createMessages(pool, redis, topics, app.log)
  addRest(app, { pool, redis, messages, topics })
  initializeChat({ io, redis, messages, log: app.log, messagesPerMinute: options.messagesPerMinute ?? 600, authenticate })

  app.addHook('preClose', async () => { await io.close() })
  app.addHook('onClose', async () => {
    for (const client of [redis, publisher, subscriber]) client.disconnect()
    await pool.end()
  })
  return app

  async function authenticate (token: unknown): Promise<User | undefined> {
    let id: string
    try {
      id = app.jwt.verify<{ sub: string }>(String(token)).sub
    } catch (error) {
      app.log.info(error, 'token refused')
      return undefined
    }
    const { rows } = await pool.query<User>('select id, username from users where id = $1', [id])
    return rows[0]
  }
}

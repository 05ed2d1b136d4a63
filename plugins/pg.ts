import postgres from '@fastify/postgres'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import pgDefaults from 'pg'
import { toLog } from './errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** URL of the database in use, also of the embedded one. */
    databaseUrl: string
  }
}

const PING_EVERY_MS = 2000
/**
 * The server's own limits, as parts of PG_TIMEOUT: when it is the server that gives up, it is known that nothing was done.
 * A wait for a lock ends so early that who waits behind it is answered in time as well.
 */
const STATEMENT_PART = 0.75
const LOCK_PART = 0.45
/** A transaction that was forgotten is ended after so many times PG_TIMEOUT. */
const FORGOTTEN_TIMES = 10

/**
 * `fastify.pg` on DATABASE_URL, or on an embedded PostgreSQL that this process starts and stops.
 * The pool connects when it is first used: a database that is down does not stop the boot.
 */
async function pg (fastify: FastifyInstance) {
  const { config, health, metrics, log } = fastify
  const { timeout } = config.postgres
  const connectionString = config.postgres.url ?? await startEmbedded(fastify)
  fastify.decorate('databaseUrl', connectionString)

  // A host server may have a database of its own: ours is `fastify.pg` in our scope.
  if (fastify.hasDecorator('pg')) fastify.decorate('pg', Object.create(null))
  await fastify.register(postgres, {
    pg: pgDefaults,
    connectionString,
    max: config.postgres.poolSize,
    connectionTimeoutMillis: timeout,
    query_timeout: timeout,
    statement_timeout: Math.round(timeout * STATEMENT_PART),
    lock_timeout: Math.round(timeout * LOCK_PART),
    idle_in_transaction_session_timeout: timeout * FORGOTTEN_TIMES,
    keepAlive: true,
    application_name: 'klatsch'
  })
  const { pool } = fastify.pg

  // Without listeners a connection that dies ends the process: idle ones report to the pool, those in use to themselves.
  // The pool says that it has ended before its connections have, so the embedded database may cut off the last of them.
  pool.on('error', error => log[pool.ending ? 'debug' : 'warn']({ err: toLog(error) }, 'an idle PostgreSQL connection died'))
  pool.on('connect', client => client.on('error', error => log.debug({ err: toLog(error) }, 'a PostgreSQL connection died')))

  metrics.gauge('chat_postgres_waiting', 'Queries that wait for a PostgreSQL connection', () => pool.waitingCount)
  metrics.gauge('chat_postgres_connections', 'PostgreSQL connections of this node', () => pool.totalCount)

  const pinging = setInterval(ping, PING_EVERY_MS)
  fastify.addHook('preClose', async () => clearInterval(pinging))

  async function ping () {
    try {
      const { rows: [row] } = await pool.query<{ isReadOnly: boolean }>('SELECT current_setting($1)::bool AS "isReadOnly"', ['transaction_read_only'])
      // A replica answers, but nobody can say anything.
      if (row!.isReadOnly) health.set('postgres', 'down', 'read only')
      else health.set('postgres', 'up')
    } catch (error) {
      health.set('postgres', 'down', (error as Error).message)
    }
  }
}

async function startEmbedded (fastify: FastifyInstance): Promise<string> {
  const { startEmbeddedPostgres } = await import('../stores/postgres/embedded/index.ts')
  const { url, stop } = await startEmbeddedPostgres({ dataDir: fastify.config.dataDir, log: fastify.log })
  // Before the pool is registered, so it stops after the pool has ended.
  fastify.addHook('onClose', stop)
  return url
}

export default fp(pg, { name: 'pg', dependencies: ['config', 'health', 'metrics'] })

import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { isUnreachable } from '../stores/postgres/errors.ts'
import { migrate } from '../stores/postgres/migrate.ts'
import { toLog } from './errors.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Resolves when this node serves; rejects when it never will. Closing while it waits resolves it. */
    startup: Promise<void>
  }
}

/** Milliseconds that the boot waits before it goes on, listens, and says by /health/ready what it waits for. */
const PATIENCE = 3000
const RETRY_MIN = 200
const RETRY_MAX = 5000

/** Migrates the database and waits for Redis: with backoff, and without keeping the process from listening. */
async function startup (fastify: FastifyInstance) {
  const { health, io, log, redisReady, services, stores } = fastify
  const closing = new AbortController()
  fastify.addHook('preClose', async () => closing.abort())

  async function prepareDatabase () {
    const ran = await migrate(fastify.databaseUrl).catch(explain)
    if (ran.length > 0) log.info({ migrations: ran }, 'database migrated')
    health.set('postgres', 'up')
  }

  async function prepareRedis () {
    const adapter = await stores.adapter()
    if (adapter !== undefined) io.adapter(adapter)
  }

  /** Tries again, with backoff, while `isPassing` says that the failure may pass. */
  async function insist (what: string, attempt: () => Promise<void>, isPassing: (error: unknown) => boolean) {
    for (let pause = RETRY_MIN; !closing.signal.aborted; pause = Math.min(2 * pause, RETRY_MAX)) {
      try {
        return await attempt()
      } catch (error) {
        if (closing.signal.aborted) return
        if (!isPassing(error)) throw error
        log.warn({ err: toLog(error), retryInMs: pause }, `${what} is not reachable yet`)
        await delay(pause, closing.signal)
      }
    }
  }

  async function readRevocations () {
    await services.revocations.start()
  }

  // Nobody is connected before both are there, so the adapter may still change.
  const done = Promise.all([insist('PostgreSQL', prepareDatabase, isUnreachable), redisReady])
    .then(() => insist('Redis', prepareRedis, () => true))
    .then(() => insist('PostgreSQL', readRevocations, () => true))
    .then(() => { if (!closing.signal.aborted) health.started() }, error => { if (!closing.signal.aborted) throw error })
  done.catch(() => {}) // who boots hears of it by the race, or by `startup`
  fastify.decorate('startup', done)
  await Promise.race([done, delay(PATIENCE, closing.signal)])
}

/** SQLSTATEs of a login that will never work: user, password, database. */
const REFUSAL = /^(28...|3D000)$/

/** @throws the error, in the words of who sets the variable if it is about that */
function explain (error: unknown): never {
  const { code, message } = error as { code?: unknown, message: string }
  if (REFUSAL.test(String(code))) throw new Error(`DATABASE_URL is refused: ${message}`, { cause: error })
  throw error
}

/** Ends early, and keeps no process alive, when it is not worth waiting any more: there is no other error. */
const delay = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { ref: false, signal }).catch(() => {})

export default fp(startup, { name: 'startup', dependencies: ['health', 'io', 'pg', 'redis', 'services', 'stores'] })

import Fastify from 'fastify'
import fp from 'fastify-plugin'
import type { Test } from 'tap'
import klatsch, { loadConfig } from '../../app.ts'
import { migrate } from '../../stores/postgres/migrate.ts'
import { createDatabase, createTemplate } from './servers.ts'

export type App = Awaited<ReturnType<typeof build>>

/** The tests' secret of tokens; long enough to be taken. */
export const SECRET = 'a secret for the tests that is long enough'

/**
 * The whole app on a fresh database and free ports, with all decorators in reach; closed at the test's end.
 * @param env variables of the environment; `DATABASE_URL` is made if it is not given. On a busy machine the database has more time, and being late is no reason to refuse
 */
export async function build (t: Test, env: Record<string, string> = {}) {
  const databaseUrl = env.DATABASE_URL ?? await createDatabase(t, await createTemplate('klatsch_migrated', async url => { await migrate(url) }))
  const config = loadConfig({ JWT_SECRET: SECRET, LOG_LEVEL: 'silent', PRESENCE_GRACE: '100', PG_TIMEOUT: '5000', PRESSURE_DELAY: '0', ...env, DATABASE_URL: databaseUrl })
  const app = Fastify({ logger: { level: config.logLevel }, forceCloseConnections: true, pluginTimeout: 30_000 })
  t.teardown(() => app.close())
  await app.register(fp(async function whole (app) { await klatsch(app, { config }) }))
  await app.ready()
  return app
}

/** `build`, and listening: `url` is where. */
export async function listen (t: Test, env: Record<string, string> = {}) {
  const app = await build(t, env)
  const url = await app.listen({ host: '127.0.0.1', port: 0, listenTextResolver: text => text })
  return Object.assign(app, { url })
}

import { Writable } from 'node:stream'
import Fastify, { LogController } from 'fastify'
import type { Test } from 'tap'
import { loadConfig } from '../../app.ts'
import { migrate } from '../../stores/postgres/migrate.ts'
import { SECRET } from '../support/build.ts'
import { createDatabase, createTemplate } from '../support/servers.ts'

/** A server of somebody else, closed at the test's end, and a configuration for klatsch in it. `log`: what it wrote, line by line. */
export async function host (t: Test, environment: Record<string, string> = {}) {
  const DATABASE_URL = environment.DATABASE_URL ?? await createDatabase(t, await createTemplate('klatsch_migrated', async url => { await migrate(url) }))
  const config = loadConfig({ JWT_SECRET: SECRET, ...environment, DATABASE_URL })
  const log: Array<Record<string, unknown> & { msg: string }> = []
  const stream = new Writable({
    write (chunk: Buffer, _, done) {
      log.push(JSON.parse(chunk.toString()))
      done()
    }
  })
  const server = Fastify({ logger: { level: 'info', stream }, logController: new LogController({ disableRequestLogging: true }), forceCloseConnections: true })
  t.teardown(() => server.close())
  return { server, config, log }
}

/** Lets a server listen on a free port, or on the one named. */
export const listenOn = (server: Awaited<ReturnType<typeof host>>['server'], port = 0) =>
  server.listen({ host: '127.0.0.1', port, listenTextResolver: text => text })

import { rmSync } from 'node:fs'
import { Redis } from 'ioredis'
import { end, launch, startSomewhere, type Scope } from './processes.ts'
import { findProgram } from './programs.ts'
import { makeFolder } from './run.ts'

export interface OwnRedis {
  url: string
  port: number
  /** Of the server that runs now or ran last. */
  readonly pid: number
  /** SIGKILL when none is named; SIGSTOP and SIGCONT pause and resume. */
  kill: (signal?: NodeJS.Signals) => void
  /** Start it again on the same port, empty. Ends it first if it still runs. */
  restart: () => Promise<void>
  /** Orderly end; nothing listens until `restart`. */
  stop: () => Promise<void>
}

/** A private redis-server on a free port, without persistence, killed at teardown. `args` are added to its command line. */
export async function startRedis (t: Scope, options: { port?: number, args?: string[] } = {}): Promise<OwnRedis> {
  const command = findProgram('redis-server')
  const folder = await makeFolder('redis')
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const start = (port: number) => launch({
    command,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...options.args ?? []],
    ready: (output) => output.includes('Ready to accept connections') || undefined
  })
  let { port, running } = options.port === undefined ? await startSomewhere(start) : { port: options.port, running: await start(options.port) }
  const stop = async () => { await end(running, 2000) }
  t.teardown(stop)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid () { return running.pid },
    kill: (signal = 'SIGKILL') => running.kill(signal),
    async restart () {
      await stop()
      running = await start(port)
    },
    stop
  }
}

/**
 * URL of an empty Redis for tests that do nothing to the server itself. With TEST_REDIS_URL: one of that server's logical
 * databases, flushed, and no other test's until teardown (its channels are shared all the same). Without: a private server.
 */
export async function redisUrl (t: Scope): Promise<string> {
  const shared = process.env.TEST_REDIS_URL
  if (shared === undefined || shared === '') return (await startRedis(t)).url
  const registry = new Redis(shared, { db: 0 })
  t.teardown(() => registry.disconnect())
  const [, count] = await registry.config('GET', 'databases') as [string, string]
  for (let db = 1; db < Number(count); db++) {
    const key = `klatsch-test:database:${db}`
    // It expires, lest a killed test process keeps its database for good.
    if (await registry.set(key, process.pid, 'EX', 1800, 'NX') !== 'OK') continue
    t.teardown(() => registry.del(key))
    const url = new URL(shared)
    url.pathname = `/${db}`
    const tenant = new Redis(url.href)
    await tenant.flushdb()
    tenant.disconnect()
    return url.href
  }
  throw new Error(`all ${Number(count) - 1} databases of TEST_REDIS_URL are taken by other tests`)
}

import { projectRoot, scriptArgs } from '../test/support/paths.ts'
import { launch, startPostgres, startRedis, startServer, type Scope } from '../test/support/servers.ts'
import { findUrl } from '../test/support/server.ts'
import { migrate } from '../stores/postgres/migrate.ts'
import { cpuMs, cpuOfTreeMs, JWT_SECRET, openCafe, sign } from './rig.ts'

/** A server under measurement: one node or several, and what they stand on. */
export interface Contestant {
  name: string
  urls: string[]
  path: string
  /** So far, milliseconds: of its nodes, and of PostgreSQL and Redis. */
  cpu: () => { nodes: number, stores: number }
  pids: number[]
  auth: (username: string) => object
  openRoom: () => Promise<string>
}

export interface KlatschOptions { name: string, redis?: boolean, nodes?: number, env?: Record<string, string> }

/** klatsch as it is built, on a PostgreSQL of its own. */
export async function startKlatsch (scope: Scope, { name, redis = false, nodes = 1, env = {} }: KlatschOptions): Promise<Contestant> {
  const [postgres, hot] = await Promise.all([startPostgres(scope), redis ? startRedis(scope) : undefined])
  await migrate(postgres.url)
  const variables = { DATABASE_URL: postgres.url, JWT_SECRET, LOG_LEVEL: 'info', CHAT_LIMITS: 'off', ...hot && { REDIS_URL: hot.url }, ...env }
  const servers = await Promise.all(Array.from({ length: nodes }, () => startServer(scope, variables)))
  return {
    name,
    urls: servers.map(({ url }) => url),
    path: '/socket.io/',
    pids: servers.map(({ pid }) => pid),
    cpu: () => ({
      nodes: servers.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
      stores: cpuOfTreeMs(postgres.pid) + (hot === undefined ? 0 : cpuMs(hot.pid))
    }),
    auth: username => ({ token: sign(username) }),
    openRoom: () => openCafe(servers[0]!)
  }
}

/** The yardstick. `floor`: nothing but writes of prepared frames. */
export async function startBare (scope: Scope, { name, redis = false, nodes = 1, floor = false }: { name: string, redis?: boolean, nodes?: number, floor?: boolean }): Promise<Contestant> {
  const hot = redis ? await startRedis(scope) : undefined
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, ...hot && { REDIS_URL: hot.url }, ...floor && { FLOOR: '1' } }
  const servers = await Promise.all(Array.from({ length: nodes }, async () => {
    const server = await launch({ command: process.execPath, args: scriptArgs('bench/servers/bare'), options: { cwd: projectRoot, env }, ready: findUrl })
    scope.teardown(() => server.kill('SIGTERM'))
    return server
  }))
  let rooms = 0
  return {
    name,
    urls: servers.map(({ ready }) => ready),
    path: '/socket.io/',
    pids: servers.map(({ pid }) => pid),
    cpu: () => ({ nodes: servers.reduce((sum, { pid }) => sum + cpuMs(pid), 0), stores: hot === undefined ? 0 : cpuMs(hot.pid) }),
    auth: username => ({ username }),
    openRoom: async () => `00000000-0000-4000-8000-${String(++rooms).padStart(12, '0')}`
  }
}

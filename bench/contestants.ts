import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { migrate } from '../stores/postgres/migrate.ts'
import { startLiteral } from '../test/specification/literal/start.ts'
import { projectRoot, scriptArgs } from '../test/support/paths.ts'
import type { Launched } from '../test/support/processes.ts'
import { findUrl } from '../test/support/server.ts'
import { launch, startPostgres, startRedis, startServer, type Scope } from '../test/support/servers.ts'
import type { Plan } from './load/plan.ts'
import { cpuMs, cpuOfTreeMs, JWT_SECRET, openCafe, sign } from './rig.ts'

/** A server under measurement: one node or several, and what they stand on. */
export interface Contestant extends Pick<Plan, 'urls' | 'ordered' | 'acks'> {
  name: string
  /** So far, milliseconds: of its nodes, and of PostgreSQL and Redis. */
  cpu: () => { nodes: number, stores: number }
  /** What so many clients say to get in. */
  auths: (count: number) => Promise<object[]>
  openRoom: () => Promise<string>
  /** Its PostgreSQL. */
  databaseUrl?: string
  /** The process of its first node. */
  first?: Pick<Launched<string>, 'logs' | 'kill'>
}

export interface KlatschOptions {
  name: string
  redis?: boolean
  nodes?: number
  env?: Record<string, string>
  /** The way of the nodes to the database, given its URL. */
  through?: (url: string) => Promise<string>
}

const names = (count: number) => Array.from({ length: count }, (_, number) => `guest ${number}`)

/** klatsch as it is built, on a PostgreSQL of its own. */
export async function startKlatsch (scope: Scope, { name, redis = false, nodes = 1, env = {}, through }: KlatschOptions): Promise<Contestant> {
  const [postgres, hot] = await Promise.all([startPostgres(scope), redis ? startRedis(scope) : undefined])
  await migrate(postgres.url)
  const variables = { DATABASE_URL: await through?.(postgres.url) ?? postgres.url, JWT_SECRET, LOG_LEVEL: 'info', CHAT_LIMITS: 'off', ...hot && { REDIS_URL: hot.url }, ...env }
  const servers = await Promise.all(Array.from({ length: nodes }, () => startServer(scope, variables)))
  const [first] = servers
  return {
    name,
    urls: servers.map(({ url }) => url),
    ordered: true,
    acks: true,
    cpu: () => ({
      nodes: servers.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
      stores: cpuOfTreeMs(postgres.pid) + (hot === undefined ? 0 : cpuMs(hot.pid))
    }),
    auths: async count => names(count).map(username => ({ token: sign(username) })),
    openRoom: () => openCafe(first!),
    databaseUrl: postgres.url,
    first: first!
  }
}

export interface BareOptions { name: string, postgres?: boolean, redis?: boolean, nodes?: number, env?: Record<string, string> }

/** The yardstick: bare Socket.IO, of which each node numbers for itself. `postgres`: one commit for each message. */
export async function startBare (scope: Scope, { name, postgres = false, redis = false, nodes = 1, env = {} }: BareOptions): Promise<Contestant> {
  const [durable, hot] = await Promise.all([postgres ? startPostgres(scope) : undefined, redis ? startRedis(scope) : undefined])
  const { PATH, HOME } = process.env
  const options = { cwd: projectRoot, env: { PATH, HOME, ...durable && { DATABASE_URL: durable.url }, ...hot && { REDIS_URL: hot.url }, ...env } }
  const servers = await Promise.all(Array.from({ length: nodes }, async () => {
    const server = await launch({ command: process.execPath, args: scriptArgs('bench/servers/bare'), options, ready: findUrl })
    scope.teardown(() => server.kill('SIGTERM'))
    return server
  }))
  const [first] = servers
  let rooms = 0
  return {
    name,
    urls: servers.map(({ ready }) => ready),
    ordered: nodes === 1,
    acks: true,
    cpu: () => ({
      nodes: servers.reduce((sum, { pid }) => sum + cpuMs(pid), 0),
      stores: (durable === undefined ? 0 : cpuOfTreeMs(durable.pid)) + (hot === undefined ? 0 : cpuMs(hot.pid))
    }),
    auths: async count => names(count).map(username => ({ username })),
    openRoom: async () => `00000000-0000-4000-8000-${String(++rooms).padStart(12, '0')}`,
    first: first!
  }
}

/** The specification taken at its word, on a PostgreSQL and a Redis of its own. It has no acks and numbers nothing. */
export async function startLiteralServer (scope: Scope, { name }: { name: string }): Promise<Contestant> {
  const [postgres, hot] = await Promise.all([startPostgres(scope), startRedis(scope)])
  const server = await startLiteral(scope, {
    databaseUrl: postgres.url, redisUrl: hot.url, jwtSecret: JWT_SECRET, env: { LOG_LEVEL: 'info', MESSAGES_PER_MINUTE: '1000000000' }
  })
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  scope.teardown(() => client.end())
  return {
    name,
    urls: [server.url],
    ordered: false,
    acks: false,
    cpu: () => ({ nodes: cpuMs(server.pid), stores: cpuOfTreeMs(postgres.pid) + cpuMs(hot.pid) }),
    async auths (count) {
      const users = names(count).map(username => ({ id: randomUUID(), username }))
      await client.query('INSERT INTO users (id, username) SELECT * FROM unnest($1::uuid[], $2::text[])', [users.map(({ id }) => id), names(count)])
      return users.map(({ id, username }) => ({ token: sign(username, id) }))
    },
    async openRoom () {
      const { rows: [row] } = await client.query<{ id: string }>("INSERT INTO cafes (name) VALUES ('Bench') RETURNING id")
      return row!.id
    },
    databaseUrl: postgres.url
  }
}

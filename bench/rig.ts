import { createHmac, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import { migrate } from '../stores/postgres/migrate.ts'
import { childrenOf } from '../test/support/process-table.ts'
import { createDatabase, createTemplate, startRedis, startServer, type OwnServer, type Scope } from '../test/support/servers.ts'

export const JWT_SECRET = 'a secret of the benchmarks, long enough'
const TICKS_PER_SECOND = 100

/** What it opens is closed by `close`, last opened first. */
export function createScope (): Scope & { close: () => Promise<void> } {
  const closers: Array<() => unknown> = []
  return {
    teardown (closer) { closers.push(closer) },
    async close () { for (const closer of closers.reverse()) await closer() }
  }
}

/** Whatever `run` opens is closed when it is done, or fails. */
export async function withScope<T> (run: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = createScope()
  try {
    return await run(scope)
  } finally {
    await scope.close()
  }
}

/** A token, without an id of a user whom nobody has seen before. */
export function sign (username: string, id: string = randomUUID()): string {
  const claims = { sub: id, username, exp: Math.floor(Date.now() / 1000) + 3600 }
  const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`
}

/** One node as a process of its own, on a new database and a new Redis, whose timers are too slow to be seen in a measurement. */
export async function startRig (scope: Scope, env: Record<string, string> = {}) {
  const [own, DATABASE_URL] = await Promise.all([startRedis(scope), createTemplate('klatsch', migrate).then(template => createDatabase(scope, template))])
  const still = { PRESENCE_HEARTBEAT: '60000', PRESENCE_LEASE: '300000', PRESENCE_GRACE: '0', REDIS_CANARY: '60000', CHAT_FEED_CHECK: '60000', CHAT_LIMITS: 'off' }
  const server = await startServer(scope, { ...still, DATABASE_URL, REDIS_URL: own.url, JWT_SECRET, LOG_LEVEL: 'info', ...env })
  const redis = new Redis(own.url)
  scope.teardown(() => redis.disconnect())
  return { server, redis, redisUrl: own.url }
}

export async function openCafe ({ url }: Pick<OwnServer, 'url'>): Promise<string> {
  const headers = { authorization: `Bearer ${sign('founder')}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/api/cafes`, { method: 'POST', headers, body: JSON.stringify({ name: 'Bench' }) })
  return (await response.json() as { id: string }).id
}

/** A stock client on WebSocket; resolves when it is connected. */
export async function connect (scope: Scope, { url }: OwnServer, username: string, options: Partial<ManagerOptions & SocketOptions> = {}): Promise<Socket> {
  const socket = io(url, { forceNew: true, transports: ['websocket'], reconnection: false, auth: { token: sign(username) }, ...options })
  scope.teardown(() => socket.disconnect())
  await new Promise<void>((resolve, reject) => {
    socket.once('connected', () => resolve())
    socket.once('connect_error', reject)
  })
  return socket
}

/** @throws when the ack is a failure or does not come */
export async function ask (socket: Socket, event: string, payload: object): Promise<void> {
  const answer = await socket.timeout(10_000).emitWithAck(event, payload) as { ok: boolean }
  if (!answer.ok) throw new Error(`${event}: ${JSON.stringify(answer)}`)
}

/** User and system time of a process, milliseconds. */
export function cpuMs (pid: number): number {
  const [, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const fields = rest!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND
}

/** The same of a process, those it has started, and those of them that have ended. */
export function cpuOfTreeMs (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const ended = (Number(fields[13]) + Number(fields[14])) * 1000 / TICKS_PER_SECOND
  return cpuMs(pid) + ended + childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), 0)
}

export function residentBytes (pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** What a Redis has done so far. `commands`: sent by clients. `calls`: those and what scripts called. */
export async function redisWork (redis: Redis) {
  const [stats, commandstats] = [await redis.info('stats'), await redis.info('commandstats')]
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(stats)![1])
  const calls = [...commandstats.matchAll(/^cmdstat_(\w+)[^:]*:calls=(\d+)/gm)].filter(([, name]) => name !== 'info')
  return {
    scripts: calls.filter(([, name]) => name!.startsWith('eval')).reduce((sum, [, , count]) => sum + Number(count), 0),
    calls: calls.reduce((sum, [, , count]) => sum + Number(count), 0),
    bytes: read('total_net_input_bytes') + read('total_net_output_bytes')
  }
}

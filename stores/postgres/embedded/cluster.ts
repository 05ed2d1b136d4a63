import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, open, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { commandOf, environment } from './account.ts'
import type { Account } from './account.ts'
import { undefinedIfMissing } from './process.ts'

const execFileAsync = promisify(execFile)

/** In the cluster, so that it is never lost or copied without the data that it opens. */
const passwordFile = 'klatsch-password'

export interface Cluster {
  /** real path */
  folder: string
  password: string
  isNew: boolean
}

/**
 * Opens the cluster of the account, or makes it. It appears under its name only when it is whole: a process
 * killed in the middle leaves a folder with a temporary name, which the next call removes.
 * @param sync whether a new cluster is flushed to disk (0.3 s), so that a power loss cannot take it
 */
export async function openCluster (account: Account, sync: boolean): Promise<Cluster> {
  const folder = join(account.home, 'postgres')
  for (const name of await readdir(account.home)) {
    // An initdb that has outlived its parent may add a file still: hence the retries.
    if (name.startsWith('postgres.new-')) await rm(join(account.home, name), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  const isNew = !await isCluster(folder)
  if (isNew) await makeCluster(account, folder, sync)
  const password = await readFile(join(folder, passwordFile), 'utf8').catch((err: unknown) => {
    throw new Error(`${folder} holds a PostgreSQL cluster without a readable ${passwordFile}: it is not one of ours. Choose another DATA_DIR`, { cause: err })
  })
  return { folder: await realpath(folder), password, isNew }
}

async function isCluster (folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(undefinedIfMissing) ?? []
  if (names.length === 0 || names.includes('PG_VERSION')) return names.length > 0
  throw new Error(`${folder} is in the way: it holds something, but no PostgreSQL cluster. Move it, or choose another DATA_DIR`)
}

async function makeCluster (account: Account, folder: string, sync: boolean): Promise<void> {
  const fresh = await mkdtemp(join(account.home, 'postgres.new-'))
  const password = `${fresh}.password`
  await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' })
  for (const path of [fresh, password]) {
    if (account.user.uid !== undefined) await chown(path, account.user.uid, account.user.gid)
  }
  const [file, args] = commandOf(account, 'initdb', [
    '-D', fresh, '-U', 'postgres', `--pwfile=${password}`, '--auth=scram-sha-256', '--encoding=UTF8',
    // The built-in locale sorts and folds the same everywhere and asks nothing of the host.
    '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', ...(sync ? [] : ['--no-sync'])
  ])
  try {
    await execFileAsync(file, args, { cwd: '/', env: environment, timeout: 120_000, ...account.user })
  } catch (err) {
    const { stderr, message } = err as Error & { stderr?: string }
    await rm(fresh, { recursive: true, force: true })
    await rm(password)
    throw new Error(`initdb cannot make the embedded database in ${account.home}: ${stderr?.trim() || message}`, { cause: err })
  }
  await rename(password, join(fresh, passwordFile))
  await rename(fresh, folder)
  if (sync) await flush(account.home)
}

/** The rename itself must be on disk before anybody relies on the cluster. */
async function flush (folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

import { execFile } from 'node:child_process'
import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { undefinedIfMissing } from './process.ts'

const execFileAsync = promisify(execFile)

/** Where clusters live that another user runs and that cannot stand in DATA_DIR, because that user cannot reach it. */
const elsewhere = '/var/lib/klatsch'

/** Nothing of this process' environment: PGDATA, PGOPTIONS or LD_LIBRARY_PATH would change what runs. PATH is for unshare. */
export const environment = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin', LC_ALL: 'C', TZ: 'UTC' }

interface User { uid: number, gid: number }

/** As whom and where PostgreSQL runs. */
export interface Account {
  way: 'self' | 'namespace' | 'user'
  /** real folder that holds the cluster: DATA_DIR, or one below /var/lib/klatsch */
  home: string
  /** folder of the binaries: `bin`, `lib`, `share` */
  native: string
  /** command line that goes before the binary */
  prefix: string[]
  /** the other user, for child_process and chown */
  user: User | Record<string, never>
}

/** The program and its arguments for running `binary` (initdb, postgres) under the account. */
export function commandOf (account: Account, binary: string, args: string[]): [string, string[]] {
  const [file = '', ...rest] = [...account.prefix, join(account.native, 'bin', binary), ...args]
  return [file, rest]
}

/**
 * Finds a way to run PostgreSQL that works here, by trying it.
 * @throws if there is none; the message says why and names DATABASE_URL as the way out
 */
export async function chooseAccount (dataDir: string, native: string, runAs?: 'namespace' | 'user'): Promise<Account> {
  const self: Account = { way: 'self', home: dataDir, native, prefix: [], user: {} }
  /* c8 ignore start: coverage is collected as root on Linux; the tests run this as two other users, outside of the counted folder */
  if (process.getuid?.() !== 0) {
    if (hasName()) return working(self)
    // initdb insists on a name for its uid, which `docker run --user 12345` has not.
    return working(await inNamespace(self))
  }
  if (process.platform !== 'linux') throw impossible('PostgreSQL refuses to run as root. Start as an ordinary user')
  /* c8 ignore stop */
  const owner = await ownerOf(join(dataDir, 'postgres'))
  if (owner !== undefined && owner.uid !== 0) return asUser(self, owner)
  const namespace = await inNamespace(self)
  if (owner !== undefined) return working(namespace, ` (${dataDir}/postgres belongs to root, so it can run in a user namespace only)`)
  const isElsewhere = (await lstat(join(dataDir, 'postgres')).catch(undefinedIfMissing))?.isSymbolicLink() ?? false
  if (runAs === 'user' || isElsewhere) return asUser(self, await otherUser())
  if (runAs === 'namespace' || await failureOf(namespace) === undefined) return working(namespace)
  /* c8 ignore next 2: where namespaces are open, the tests close them for a child in a namespace that may not write its coverage */
  return asUser(self, await otherUser())
}

/** In the namespace this process' uid bears a name from /etc/passwd; outside it stays the owner of every file, so any folder will do. */
async function inNamespace (self: Account): Promise<Account> {
  const { uid, gid } = await otherUser()
  return { ...self, way: 'namespace', prefix: ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'] }
}

/** The other user needs data and binaries within reach: where they are if possible, else below /var/lib/klatsch and as a copy. */
async function asUser (self: Account, { uid, gid }: User): Promise<Account> {
  const account: Account = { ...self, way: 'user', user: { uid, gid }, home: await homeFor(self.home, { uid, gid }) }
  if (await failureOf(account) === undefined) return account
  const { version } = JSON.parse(await readFile(join(self.native, '..', 'package.json'), 'utf8')) as { version: string }
  account.native = join(account.home, `native-${version}`)
  for (const name of await readdir(account.home)) {
    if (name.startsWith('native-') && name !== `native-${version}`) await rm(join(account.home, name), { recursive: true })
  }
  if (await ownerOf(account.native) === undefined) await copyBinaries(self.native, account.native)
  return working(account)
}

async function homeFor (dataDir: string, { uid }: User): Promise<string> {
  const path = join(dataDir, 'postgres')
  const entry = await lstat(path).catch(undefinedIfMissing)
  if (entry?.isSymbolicLink()) {
    const home = dirname(resolve(dataDir, await readlink(path)))
    if (await ownerOf(home) !== undefined) return home
    throw new Error(`${path} points to ${home}, which is gone. Bring that folder back, or remove the link to begin with an empty database`)
  }
  if (entry !== undefined || await isReachable(dataDir)) return dataDir
  // A new folder with a name of its own, not one derived from the path: a project that was moved away keeps
  // its database, and a new project in the old place gets another.
  try {
    await mkdir(elsewhere, { recursive: true })
    // chmod, because a strict umask takes from mkdir's mode what the other user needs.
    await chmod(elsewhere, 0o711)
    const home = await mkdtemp(join(elsewhere, 'cluster-'))
    await chmod(home, 0o711)
    await symlink(join(home, 'postgres'), path)
    return home
  /* c8 ignore next 3: root can, unless the disk is full or read-only */
  } catch (err) {
    throw impossible(`user ${uid} cannot reach ${dataDir}, and a folder below ${elsewhere} cannot be made`, err)
  }
}

/** Whether everybody may pass through `folder` and all folders above it. */
async function isReachable (folder: string): Promise<boolean> {
  if (((await stat(folder)).mode & 0o001) === 0) return false
  return dirname(folder) === folder || isReachable(dirname(folder))
}

/** Complete or absent, whenever this process ends. An install under a strict umask left modes that shut others out. */
async function copyBinaries (from: string, to: string): Promise<void> {
  await rm(`${to}.new`, { recursive: true, force: true })
  await cp(from, `${to}.new`, { recursive: true, verbatimSymlinks: true })
  await chmod(`${to}.new`, 0o755)
  for (const entry of await readdir(`${to}.new`, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755)
  }
  await rename(`${to}.new`, to)
}

async function working (account: Account, why = ''): Promise<Account> {
  const failure = await failureOf(account)
  if (failure === undefined) return account
  const [file, args] = commandOf(account, 'postgres', [])
  throw impossible(`${[file, ...args].join(' ')} does not run here: ${failure}${why}`)
}

/** What stands in the way of running the binaries under this account; `undefined` if nothing does. */
async function failureOf (account: Account): Promise<string | undefined> {
  const [file, args] = commandOf(account, 'postgres', ['--version'])
  try {
    await execFileAsync(file, args, { cwd: '/', env: environment, timeout: 10_000, ...account.user })
    return undefined
  } catch (err) {
    const { stderr, message } = err as Error & { stderr?: string }
    return stderr?.trim() || message
  }
}

function impossible (reason: string, cause?: unknown): Error {
  return new Error(`The embedded PostgreSQL cannot run: ${reason}. The way out: set DATABASE_URL to the address of a PostgreSQL server`, { cause })
}

/* c8 ignore start: asked by ordinary users only, see chooseAccount */
function hasName (): boolean {
  try {
    return userInfo().username !== ''
  } catch (err) {
    if (err instanceof Error && 'syscall' in err) return false
    throw err
  }
}
/* c8 ignore stop */

/** `nobody`, which every Linux has, or else the first user that is not root. */
async function otherUser (): Promise<User> {
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n')
    .map(line => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid > 0)
  /* c8 ignore next 2: nobody is there on every Linux but an image made from scratch */
  const found = entries.find(({ name }) => name === 'nobody') ?? entries[0]
  if (found === undefined) throw impossible('it needs a user other than root, and /etc/passwd has none')
  return found
}

async function ownerOf (path: string): Promise<User | undefined> {
  const found = await stat(path).catch(undefinedIfMissing)
  return found && { uid: found.uid, gid: found.gid }
}

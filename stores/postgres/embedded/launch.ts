import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandOf, environment } from './account.ts'
import type { Account } from './account.ts'
import type { Cluster } from './cluster.ts'
import { lastLines, openLog } from './log.ts'
import type { EmbeddedLog } from './options.ts'
import { endPostmaster, servesCluster, undefinedIfMissing } from './process.ts'
import { urlOf, waitUntilReady } from './ready.ts'

export interface LaunchOptions {
  account: Account
  cluster: Cluster
  settings: Record<string, string>
  /** takes what PostgreSQL writes to stderr */
  logFile: string
  log: EmbeddedLog
}

export interface Launched {
  child: ChildProcess
  /** where in the log (bytes) this run begins */
  offset: number
}

/**
 * Starts PostgreSQL once on `port` and waits until it answers; stops a left-over one on the same data before.
 * @throws if it does not come up or `signal` aborts: nothing runs then, and the message holds the last lines of its log
 */
export async function launch (options: LaunchOptions, port: number, signal: AbortSignal): Promise<Launched> {
  const { account, cluster, logFile, log } = options
  const orphan = await endOrphan(cluster.folder)
  if (orphan !== undefined) log.warn(orphan, 'stopped the PostgreSQL that an earlier process has left behind')
  const [file, args] = commandOf(account, 'postgres', ['-D', cluster.folder, ...settingsOf(options, port)])
  const out = await openLog(logFile)
  try {
    const offset = (await out.stat()).size
    // Detached: Ctrl-C in a terminal reaches the whole process group, and PostgreSQL must outlive the
    // connections to it. Unreferenced: it is no reason to keep this process alive.
    const child = spawn(file, args, { detached: true, cwd: '/', env: environment, stdio: ['ignore', out.fd, out.fd], ...account.user })
    child.unref()
    try {
      if (child.pid === undefined) throw (await once(child, 'error'))[0]
      await waitUntilReady(urlOf(port, cluster.password, 'postgres'), child, signal)
      return { child, offset }
    } catch (err) {
      await end(child)
      const lines = await lastLines(logFile, offset)
      throw new Error(`The embedded PostgreSQL does not start: ${(err as Error).message}\n${lines.join('\n')}`, { cause: err })
    }
  } finally {
    await out.close()
  }
}

/** Whether the process still runs, as far as this one has been told. */
export function isUp (child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Shuts a server of ours down, within about 12 s. */
export async function end (child: ChildProcess): Promise<void> {
  if (child.pid === undefined || !isUp(child)) return
  child.ref()
  const gone = once(child, 'exit')
  await endPostmaster(child.pid, { fastMs: 5000, quitMs: 6000 })
  await gone
}

function settingsOf ({ settings }: LaunchOptions, port: number): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // A path below a deep folder would be too long for a socket.
    unix_socket_directories: '',
    max_connections: '200',
    // Neither statements nor rows in the log: they hold what people wrote.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    ...settings
  }
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Stops the server of a process that was killed, and clears what it or a killed server has left. */
async function endOrphan (folder: string): Promise<{ pid: number, signal: string } | undefined> {
  const path = join(folder, 'postmaster.pid')
  const text = await readFile(path, 'utf8').catch(undefinedIfMissing)
  if (text === undefined) return undefined
  const pid = Number.parseInt(text, 10)
  // No page waits for its end, and a long checkpoint now saves a long recovery: more patience than for our own.
  const signal = servesCluster(pid, folder) ? await endPostmaster(pid, { fastMs: 20_000, quitMs: 6000 }) : undefined
  // PostgreSQL would refuse to start if any process of this user has that pid by now.
  await rm(path, { force: true })
  return signal && { pid, signal }
}

import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whether `err` is a system error with one of these codes, such as ENOENT. */
export function hasCode (err: unknown, ...codes: string[]): boolean {
  return err instanceof Error && 'code' in err && typeof err.code === 'string' && codes.includes(err.code)
}

/** For `.catch()`: turns "no such file" into `undefined`, and only that. */
export function undefinedIfMissing (err: unknown): undefined {
  if (!hasCode(err, 'ENOENT')) throw err
}

/**
 * When the process began: a token to compare, nothing to parse. A pid comes back after a while, a pid
 * together with its start does not. A zombie has ended, so it never equals the start it once had.
 * `undefined` if there is no such process, or none that this user may see.
 */
export function startOf (pid: number): string | undefined {
  /* c8 ignore next 5: coverage is collected on Linux */
  if (process.platform !== 'linux') {
    const line = ps(pid, 'stat=,lstart=')
    if (line === undefined) return undefined
    return line.startsWith('Z') ? 'zombie' : line.replace(/^\S+\s+/, '')
  }
  const stat = readOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  if (stat === undefined) return undefined
  // The name in parentheses may hold spaces and parentheses itself: count from its last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? 'zombie' : fields[19]
}

/** Whether the process that began at `started` still runs. In doubt (hidden by the system) it does. */
export function isRunning (pid: number, started: string | undefined): boolean {
  if (!send(pid, 0)) return false
  const now = startOf(pid)
  return now === undefined || (now === started && now !== 'zombie')
}

/**
 * Whether process `pid` is a postmaster that serves the cluster in `folder` (a real path). Only that makes
 * it ours to stop: the pid in a left-over file may belong to anybody by now.
 */
export function servesCluster (pid: number, folder: string): boolean {
  if (startOf(pid) === 'zombie') return false
  /* c8 ignore next: coverage is collected on Linux */
  if (process.platform !== 'linux') return ps(pid, 'command=')?.includes(`postgres -D ${folder} `) ?? false
  // A postmaster works inside its data folder; the link follows even when the folder is moved.
  return readOf(() => readlinkSync(`/proc/${pid}/cwd`)) === folder
}

export interface Patience {
  /** ms for a fast shutdown: clients are cut, everything is written */
  fastMs: number
  /** ms more for an immediate shutdown: nothing is written, the next start recovers from the log */
  quitMs: number
}

/**
 * Ends a postmaster: SIGINT, after `fastMs` SIGQUIT, after `quitMs` more SIGKILL. Resolves with the signal
 * that did it, at the latest one second after the last. Committed data survives each of them.
 */
export async function endPostmaster (pid: number, { fastMs, quitMs }: Patience): Promise<NodeJS.Signals> {
  const started = startOf(pid)
  const steps: Array<[NodeJS.Signals, number]> = [['SIGINT', fastMs], ['SIGQUIT', quitMs], ['SIGKILL', 1000]]
  for (const [signal, patience] of steps) {
    const deadline = Date.now() + patience
    if (isRunning(pid, started)) send(pid, signal)
    while (Date.now() < deadline) {
      if (!isRunning(pid, started)) return signal
      await sleep(20)
    }
  }
  /* c8 ignore next 2: takes a process that the kernel cannot end, such as one stuck in a dead disk */
  throw new Error(`PostgreSQL process ${pid} does not end, not even after SIGKILL`)
}

/** Whether there was a process to take the signal (0: a mere look). One that belongs to somebody else counts for a look only. */
function send (pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (err) {
    if (hasCode(err, 'ESRCH')) return false
    /* c8 ignore next 3: root, who collects coverage, may signal everybody */
    if (signal === 0 && hasCode(err, 'EPERM')) return true
    throw err
  }
}

/** What /proc tells, unless the process is gone or hidden from this user. */
function readOf (read: () => string): string | undefined {
  try {
    return read()
  } catch (err) {
    /* c8 ignore next: /proc has no other errors to offer */
    if (!hasCode(err, 'ENOENT', 'ESRCH', 'EACCES')) throw err
    return undefined
  }
}

/* c8 ignore start: coverage is collected on Linux, which has /proc and often no ps */
function ps (pid: number, columns: string): string | undefined {
  try {
    return execFileSync('ps', ['-ww', '-o', columns, '-p', String(pid)], {
      encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'ignore']
    }).trim()
  } catch (err) {
    if (err instanceof Error && 'status' in err && err.status === 1) return undefined
    throw err
  }
}
/* c8 ignore stop */

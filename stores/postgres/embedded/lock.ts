import { readlinkSync, readFileSync } from 'node:fs'
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode, isRunning, startOf, undefinedIfMissing } from './process.ts'
import type { EmbeddedLog } from './options.ts'

/** How often the owner touches its lock, and how long a lock must lie untouched to count as left behind. */
const touchMs = 1500
const leaseMs = 5000

interface Owner { pid: number, started: string, machine: string }

export interface Lock { release: () => Promise<void> }

/**
 * Makes this process the only owner of `folder`, by the file `klatsch.lock` in it. A lock whose owner has
 * ended is taken over, also when another process has its pid by now. Where the pid says nothing (another
 * container or machine that shares the folder) the lock counts as left behind after 5 s without a touch.
 * @throws if a live process owns it; the message names the folder and the pid
 */
export async function holdFolder (folder: string, log: EmbeddedLog): Promise<Lock> {
  const path = join(folder, 'klatsch.lock')
  const release = await take(path, folder, 0)
  let released = false
  const touch = setInterval(() => {
    const now = new Date()
    utimes(path, now, now).catch((err: unknown) => {
      /* c8 ignore next: release() between the tick and its end */
      if (released) return
      clearInterval(touch)
      log.warn({ err, path }, 'the lock of DATA_DIR cannot be renewed: was the folder removed while in use?')
    })
  }, touchMs).unref()
  return {
    async release () {
      released = true
      clearInterval(touch)
      await release()
    }
  }
}

async function take (path: string, folder: string, depth: number): Promise<() => Promise<void>> {
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid), machine: machine() })
  const release = async () => {
    if (await read(path) === mine) await rm(path, { force: true })
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      await writeFile(path, mine, { flag: 'wx', mode: 0o644 })
      return release
    } catch (err) {
      if (!hasCode(err, 'EEXIST')) throw new Error(`DATA_DIR ${folder} cannot be written: ${(err as Error).message}`, { cause: err })
    }
    const found = await read(path)
    /* c8 ignore next: given back between the two lines above */
    if (found === undefined) continue
    // Looked at twice: at first it may have been a lock that was just being written.
    if (await isHeld(path, parse(found))) throw inUse(folder, parse(found) ?? parse(await read(path)))
    // Two processes may find the same left-over. A second lock decides who replaces it, and whoever gets that
    // one looks again: removing a lock that the other has just renewed would let both in. Each level more
    // takes a crash within the few lines below, so three are plenty.
    if (depth === 3) break
    const done = await take(`${path}.takeover`, folder, depth + 1)
    try {
      /* c8 ignore next: taken over by another since we looked; seen when many start at once */
      if (await read(path) !== found) continue
      const next = `${path}.next`
      await writeFile(next, mine, { mode: 0o644 })
      await rename(next, path)
      return release
    } finally {
      await done()
    }
  }
  throw new Error(`DATA_DIR ${folder}: the lock ${path} keeps changing hands. Are several processes being started at once?`)
}

function inUse (folder: string, owner: Owner | undefined): Error {
  const elsewhere = owner !== undefined && owner.machine !== machine() ? ' of another container or machine' : ''
  return new Error(`DATA_DIR ${folder} is in use by process ${owner?.pid ?? 'unknown'}${elsewhere}: one process at a time may own an embedded ` +
    'database. Stop that process, choose another DATA_DIR, or share a server through DATABASE_URL')
}

async function isHeld (path: string, owner: Owner | undefined): Promise<boolean> {
  if (owner?.machine === machine()) return isRunning(owner.pid, owner.started)
  const before = await touched(path)
  await sleep(leaseMs)
  return await touched(path) !== before
}

async function touched (path: string): Promise<number | undefined> {
  return (await stat(path).catch(undefinedIfMissing))?.mtimeMs
}

async function read (path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(undefinedIfMissing)
}

/** `undefined` for anything else than a whole lock: one being written, or cut short by a power loss. */
function parse (text: string | undefined): Owner | undefined {
  const value = fromJson(text)
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, started, machine } = value as Partial<Record<keyof Owner, unknown>>
  if (typeof pid !== 'number' || typeof started !== 'string' || typeof machine !== 'string') return undefined
  return { pid, started, machine }
}

function fromJson (text = ''): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Names the space in which a pid means something: this boot of this machine, and this container. */
function machine (): string {
  /* c8 ignore next: coverage is collected on Linux */
  if (process.platform !== 'linux') return hostname()
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
}

import type { Config } from '../schemas/config.ts'
import type { FeedService } from './feed.ts'
import type { Change, Log, Meter, RecentMessages, Reporter } from './ports.ts'

/** Milliseconds after which a list that could not be written is tried again. */
const MEND_MS = 1000
/** Cafes whose lists wait for that; those beyond are mended by their next message. */
const MAX_BEHIND = 10_000

/**
 * Keeps the recent messages of cafes up to date after commits of this node, off the path of the ack.
 * One run per cafe at a time; what arrives meanwhile goes with the next. Where the list lacks something it is brought
 * forward from the ring, or set anew; when the store is away it stays behind, and is mended as soon as the store is back: a
 * deleted text must not stay in it until somebody says something.
 */
export function createWriteBehind (ports: { log: Log, recent: RecentMessages, meter: Meter, reporter: Reporter }, feed: FeedService, config: Config) {
  const { log, recent, meter, reporter } = ports
  const pending = new Map<string, Change[]>()
  const running = new Map<string, Promise<void>>()
  const behind = new Set<string>()
  let mending: NodeJS.Timeout | undefined

  function touch (cafeId: string, changes: readonly Change[]) {
    const waiting = pending.get(cafeId) ?? []
    waiting.push(...changes)
    // More than the list holds would be rebuilt anyway.
    pending.set(cafeId, waiting.slice(-config.chat.cacheSize))
    if (!running.has(cafeId)) running.set(cafeId, run(cafeId).finally(() => running.delete(cafeId)))
  }

  async function run (cafeId: string) {
    for (let changes = pending.get(cafeId); changes !== undefined; changes = pending.get(cafeId)) {
      pending.delete(cafeId)
      try {
        await write(cafeId, changes.sort((a, b) => a.rev - b.rev))
      } catch (error) {
        note(cafeId, error)
      }
    }
  }

  function note (cafeId: string, error: unknown) {
    meter.count('hot_state_failures', 'recent')
    reporter.warn(error, 'write recent messages')
    if (behind.size < MAX_BEHIND) behind.add(cafeId)
    mending ??= setTimeout(mendAll, MEND_MS)
  }

  /** One after another, until one fails: then the store is still away. */
  async function mendAll () {
    mending = undefined
    for (const cafeId of [...behind]) {
      behind.delete(cafeId)
      try {
        await mend(cafeId)
      } catch (error) {
        return note(cafeId, error)
      }
    }
  }

  async function mend (cafeId: string) {
    const ring = feed.ring(cafeId)
    if (ring === undefined) return rebuild(cafeId)
    return recent.replace(cafeId, ring.rev, ring.newest(config.chat.cacheSize))
  }

  async function write (cafeId: string, changes: readonly Change[]) {
    const held = await recent.apply(cafeId, changes)
    const target = changes.at(-1)!.rev
    if (held !== null && held >= target) return
    const ring = feed.ring(cafeId)
    if (ring === undefined || ring.rev < target) return rebuild(cafeId)
    const missing = held === null ? undefined : ring.changesAfter(held)
    if (missing !== undefined) return recent.apply(cafeId, missing)
    return mend(cafeId)
  }

  async function rebuild (cafeId: string) {
    const snapshot = await log.page(cafeId, { limit: config.chat.cacheSize })
    if (snapshot !== undefined) await recent.replace(cafeId, snapshot.head.rev, snapshot.messages)
  }

  /** Resolves when nothing is left to write, or can't be written. */
  async function settle () {
    while (running.size > 0) await Promise.all(running.values())
    clearTimeout(mending)
    behind.clear()
  }

  return { touch, settle }
}

export type WriteBehind = ReturnType<typeof createWriteBehind>

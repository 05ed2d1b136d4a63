import type { Config } from '../schemas/config.ts'
import type { FeedService } from './feed.ts'
import type { Change, Log, Meter, RecentMessages, Reporter } from './ports.ts'

/**
 * Keeps the recent messages of cafes up to date after commits of this node, off the path of the ack.
 * One run per cafe at a time; what arrives meanwhile goes with the next. Where the list lacks something it is brought
 * forward from the ring, or set anew; when the store is away it stays behind, and the next run mends it.
 */
export function createWriteBehind (ports: { log: Log, recent: RecentMessages, meter: Meter, reporter: Reporter }, feed: FeedService, config: Config) {
  const { log, recent, meter, reporter } = ports
  const pending = new Map<string, Change[]>()
  const running = new Map<string, Promise<void>>()

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
        meter.count('hot_state_failures', 'recent')
        reporter.warn(error, 'write recent messages')
      }
    }
  }

  async function write (cafeId: string, changes: readonly Change[]) {
    const held = await recent.apply(cafeId, changes)
    const target = changes.at(-1)!.rev
    if (held !== null && held >= target) return
    const ring = feed.ring(cafeId)
    if (ring === undefined || ring.rev < target) return rebuild(cafeId)
    const missing = held === null ? undefined : ring.changesAfter(held)
    if (missing !== undefined) return recent.apply(cafeId, missing)
    return recent.replace(cafeId, ring.rev, ring.newest(config.chat.cacheSize))
  }

  async function rebuild (cafeId: string) {
    const snapshot = await log.page(cafeId, { limit: config.chat.cacheSize })
    if (snapshot !== undefined) await recent.replace(cafeId, snapshot.head.rev, snapshot.messages)
  }

  /** Resolves when nothing is left to write. */
  async function settle () {
    while (running.size > 0) await Promise.all(running.values())
  }

  return { touch, settle }
}

export type WriteBehind = ReturnType<typeof createWriteBehind>

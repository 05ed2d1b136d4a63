import type { Config } from '../schemas/config.ts'
import { announce } from './announce.ts'
import { refuse } from './errors.ts'
import type { Broadcast, Bus, Change, Log, Meter, RecentMessages, Reporter } from './ports.ts'
import { createRing, type Ring } from './ring.ts'

/** One open cafe. Only the feed writes to it; readers use `ring`, `minRev` and `verified`. */
export interface Feed {
  readonly cafeId: string
  ring: Ring
  minRev: number
  /** sockets of this node that are in the cafe */
  members: number
  usedAt: number
  /** changes that came too early, by rev */
  early: Map<number, Change>
  timer: NodeJS.Timeout | undefined
  filling: Promise<void> | undefined
  /** the ring was compared with the database since it was loaded */
  verified: boolean
}

interface FeedPorts { log: Log, recent: RecentMessages, bus: Bus, broadcast: Broadcast, meter: Meter, reporter: Reporter }

const RING_CHANGES = 100
const FILL_BATCH = 500
const MAX_EARLY = 1000
const HOLD_MS = 50

/**
 * The ordered stream of each open cafe's changes to the sockets of this node: every change once, in `rev` order,
 * whatever is lost, doubled or late between nodes. A cafe is open while it has members here, and a while longer.
 */
export function createFeed (ports: FeedPorts, config: Config, now: () => number) {
  const { log, recent, bus, broadcast, meter, reporter } = ports
  const sizes = { messages: Math.max(config.chat.cacheSize, config.chat.historyLimit + 1), changes: RING_CHANGES }
  const feeds = new Map<string, Feed>()
  const unverified: Feed[] = []
  let verifying: NodeJS.Timeout | undefined
  let onRepair: (cafeId: string, changes: readonly Change[]) => void = () => {}
  const opening = new Map<string, { done: Promise<Feed>, early: Change[] }>()

  bus.onNotice((cafeId, notice) => { if (notice.kind === 'changes') receive(cafeId, notice.changes, HOLD_MS) })
  bus.onReconnect(() => { check([...feeds.values()]) })
  const checking = setInterval(() => check([...feeds.values()].filter(feed => !closeIdle(feed))), config.feed.check)

  /** Hands on what this node committed: here at once, to the other nodes by the bus. Never throws, never waits. */
  function publish (cafeId: string, changes: readonly Change[]) {
    receive(cafeId, changes, bus.isLive() ? HOLD_MS : 0)
    bus.publish(cafeId, { kind: 'changes', changes: [...changes] })
  }

  /** A gap before the changes is held open for `holdMs`: what other nodes committed may just be late, also before our own. */
  function receive (cafeId: string, changes: readonly Change[], holdMs: number) {
    const feed = feeds.get(cafeId)
    if (feed === undefined) {
      opening.get(cafeId)?.early.push(...changes)
      return
    }
    for (const change of changes) if (change.rev > feed.ring.rev) feed.early.set(change.rev, change)
    advance(feed)
    if (feed.early.size === 0) return
    if (holdMs > 0 && feed.early.size <= MAX_EARLY) return hold(feed, holdMs)
    if (feed.early.size > MAX_EARLY) feed.early.clear() // the log has them all
    fill(feed)
  }

  function hold (feed: Feed, ms: number) {
    feed.timer ??= setTimeout(() => {
      feed.timer = undefined
      if (feed.early.size > 0) fill(feed)
    }, ms)
  }

  function advance (feed: Feed) {
    for (let change = feed.early.get(feed.ring.rev + 1); change !== undefined; change = feed.early.get(feed.ring.rev + 1)) {
      emit(feed, change)
    }
  }

  function emit (feed: Feed, change: Change) {
    feed.early.delete(change.rev)
    feed.ring.apply(change)
    announce(broadcast, change)
  }

  /** Reads what is missing from the log. One at a time per cafe; a failure is mended by the next check. */
  function fill (feed: Feed): Promise<void> {
    feed.filling ??= read(feed)
      .catch(error => reporter.warn(error, 'feed repair'))
      .finally(() => { feed.filling = undefined })
    return feed.filling
  }

  async function read (feed: Feed) {
    meter.count('feed_gaps')
    const [rev, told] = [feed.ring.rev, [...feed.early.keys()]]
    for (let more = true; more;) {
      const changes = await log.changes(feed.cafeId, feed.ring.rev, FILL_BATCH)
      // Others may have come by themselves meanwhile.
      const missing = changes.filter(change => change.rev > feed.ring.rev)
      for (const change of missing) {
        emit(feed, change)
        meter.count('feed_repairs')
      }
      if (missing.length > 0) onRepair(feed.cafeId, missing)
      advance(feed)
      more = changes.length === FILL_BATCH
    }
    for (const early of feed.early.keys()) if (early <= feed.ring.rev) feed.early.delete(early)
    // Nodes tell of what is committed. What was told before the log was read, and is not in it, no node has said.
    for (const forged of told) if (feed.early.delete(forged)) meter.count('dropped_frames', 'feed_forged')
    // What came while this was read may stand behind a gap of its own. Without progress another try would find nothing new.
    if (feed.early.size > 0 && feed.ring.rev > rev) hold(feed, HOLD_MS)
  }

  /** Compares cafes with the database in one query and fills what is missing. Never rejects. */
  async function check (open: readonly Feed[]) {
    if (open.length === 0) return
    try {
      const heads = await log.heads(open.map(feed => feed.cafeId))
      await Promise.all(open.map(async feed => {
        const head = heads.get(feed.cafeId)
        if (head === undefined) return close(feed)
        feed.minRev = head.minRev
        if (head.rev > feed.ring.rev) await fill(feed)
        feed.verified = feed.ring.rev >= head.rev
      }))
    } catch (error) {
      reporter.warn(error, 'feed check')
    }
  }

  function closeIdle (feed: Feed): boolean {
    if (feed.members > 0 || now() - feed.usedAt < config.feed.linger) return false
    close(feed)
    return true
  }

  function close (feed: Feed) {
    clearTimeout(feed.timer)
    feeds.delete(feed.cafeId)
    bus.unsubscribe(feed.cafeId).catch(error => reporter.warn(error, 'unsubscribe'))
  }

  /** The feed of a cafe, loaded from the recent messages or the log. @throws CHAT_CAFE_NOT_FOUND, CHAT_UNAVAILABLE, CHAT_LIMIT_REACHED */
  async function open (cafeId: string): Promise<Feed> {
    const known = feeds.get(cafeId)
    if (known !== undefined) {
      known.usedAt = now()
      return known
    }
    const underway = opening.get(cafeId)
    if (underway !== undefined) return underway.done
    if (feeds.size >= config.feed.maxOpen) evict()
    const entry: { done: Promise<Feed>, early: Change[] } = { done: undefined!, early: [] }
    entry.done = load(cafeId, entry.early).finally(() => opening.delete(cafeId))
    opening.set(cafeId, entry)
    return entry.done
  }

  function evict () {
    for (const feed of feeds.values()) if (feed.members === 0) return close(feed)
    throw refuse('CHAT_LIMIT_REACHED', { message: 'This node has too many open cafes' })
  }

  // Subscribed before it reads: what is committed after the read is heard.
  async function load (cafeId: string, early: Change[]): Promise<Feed> {
    await bus.subscribe(cafeId).catch(error => reporter.warn(error, 'subscribe'))
    try {
      const cached = await recent.read(cafeId).catch(error => reporter.warn(error, 'read recent messages'))
      const enough = cached && cached.messages.length >= Math.min(config.chat.historyLimit, cached.messages[0]?.seq ?? 0)
      const start = enough ? { rev: cached.rev, messages: cached.messages, minRev: 0 } : await loadFromLog(cafeId)
      const feed: Feed = {
        cafeId,
        ring: createRing(start.rev, start.messages, sizes),
        minRev: start.minRev,
        members: 0,
        usedAt: now(),
        early: new Map(),
        timer: undefined,
        filling: undefined,
        verified: !enough
      }
      feeds.set(cafeId, feed)
      receive(cafeId, early, HOLD_MS)
      if (enough) verifySoon(feed)
      return feed
    } catch (error) {
      bus.unsubscribe(cafeId).catch(failure => reporter.warn(failure, 'unsubscribe'))
      throw error
    }
  }

  /** A list may lag, and the rest then follows live. Cafes that open together share the query. */
  function verifySoon (feed: Feed) {
    unverified.push(feed)
    verifying ??= setTimeout(() => {
      verifying = undefined
      check(unverified.splice(0))
    }, HOLD_MS)
  }

  async function loadFromLog (cafeId: string) {
    const snapshot = await log.page(cafeId, { limit: sizes.messages })
    if (snapshot === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    const { head: { rev, minRev }, messages } = snapshot
    if (messages.length > 0) {
      recent.replace(cafeId, rev, messages.slice(0, config.chat.cacheSize)).catch(error => reporter.warn(error, 'write recent messages'))
    }
    return { rev, minRev, messages }
  }

  /** Counts a socket in. @throws CHAT_UNAVAILABLE if the cafe was closed since `open`: open it again */
  function enter (feed: Feed) {
    if (feeds.get(feed.cafeId) !== feed) throw refuse('CHAT_UNAVAILABLE', { retryAfterMs: 0 })
    feed.members++
  }

  function leave (cafeId: string) {
    const feed = feeds.get(cafeId)
    if (feed === undefined) return
    feed.members--
    feed.usedAt = now()
  }

  function stop () {
    clearInterval(checking)
    clearTimeout(verifying)
    for (const feed of feeds.values()) clearTimeout(feed.timer)
    feeds.clear()
  }

  return {
    publish,
    open,
    enter,
    leave,
    fill,
    check,
    stop,
    /** The ring of an open cafe. */
    ring: (cafeId: string): Ring | undefined => feeds.get(cafeId)?.ring,
    openCafes: () => [...feeds.keys()],
    /** Hears of changes that came from the log: whoever committed them may not have told anybody else either. */
    onRepair (listener: typeof onRepair) { onRepair = listener }
  }
}

export type FeedService = ReturnType<typeof createFeed>

import type { Config } from '../schemas/config.ts'
import type { MessageHistory } from '../schemas/events.ts'
import type { Message, MessagePage, PageQuery } from '../schemas/messages.ts'
import { refuse } from './errors.ts'
import type { Feed, FeedService } from './feed.ts'
import type { Bus, Head, Log, Range, Snapshot } from './ports.ts'
import { fold, type Ring } from './ring.ts'

/** What a join begins with. `history.recovered`: exactly what changed after `since`. `seq`: of the newest message. */
export interface Start { seq: number, history: MessageHistory }

/** What a reader begins with: pages of history, and the start of a join. */
export function createHistory ({ log, bus }: { log: Log, bus: Bus }, feed: FeedService, config: Config) {
  const { historyLimit } = config.chat
  const newest = new WeakMap<Ring, Start>()
  const newestPages = new WeakMap<Ring, MessagePage>()

  /**
   * Prepares a join. The function it resolves to gives the start at the moment of the call: what the feed emits after it
   * is exactly what follows. `enter`: count the socket in at that moment.
   */
  async function prepare (cafeId: string, since?: number): Promise<(enter: boolean) => Start> {
    const open = await feed.open(cafeId)
    const start = await prepareStart(open, since)
    return enter => {
      if (enter) feed.enter(open)
      return start()
    }
  }

  async function prepareStart (open: Feed, since: number | undefined): Promise<() => Start> {
    if (since === undefined) return () => fresh(open)
    if (since > open.ring.rev) await feed.check([open])
    if (since >= open.ring.floor) return () => since < open.minRev ? fresh(open) : resume(open, since, [])
    // Too much for a page, as far as memory knows: no need to count exactly.
    if (open.ring.countChanged(since) > historyLimit) return () => fresh(open)
    const snapshot = await log.changedSince(open.cafeId, since, historyLimit + 1)
    if (snapshot === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    if (snapshot.head.rev > open.ring.rev) await feed.fill(open)
    return () => since < snapshot.head.minRev ? fresh(open) : resume(open, snapshot.head.rev, snapshot.messages)
  }

  /** One and the same object for all who come while nothing changes. */
  function fresh ({ cafeId, ring }: Feed): Start {
    const kept = newest.get(ring)
    if (kept?.history.rev === ring.rev) return kept
    const start = { seq: ring.seq, history: { cafeId, messages: ring.newest(historyLimit), rev: ring.rev, recovered: false } }
    newest.set(ring, start)
    return start
  }

  /** `messages` are what changed up to `rev`. The ring knows the rest; where it does not, or it is too much, a fresh page is the answer. */
  function resume (open: Feed, rev: number, messages: readonly Message[]): Start {
    const { ring } = open
    const later = rev <= ring.rev ? ring.changesAfter(rev) : undefined
    if (later === undefined) return fresh(open)
    const changed = fold(messages, later)
    if (changed.length > historyLimit) return fresh(open)
    return { seq: ring.seq, history: { cafeId: open.cafeId, messages: changed, rev: ring.rev, recovered: true } }
  }

  /** A page of REST history, newest first. @throws CHAT_VALIDATION, CHAT_CAFE_NOT_FOUND, CHAT_UNAVAILABLE */
  async function page (cafeId: string, query: PageQuery): Promise<MessagePage> {
    const positions = (['offset', 'before', 'after', 'around'] as const).filter(name => query[name] !== undefined)
    if (positions.length > 1) {
      throw refuse('CHAT_VALIDATION', {
        message: 'offset, before, after and around exclude each other',
        details: positions.slice(1).map(field => ({ field, rule: 'exclusive' }))
      })
    }
    const limit = query.limit ?? historyLimit
    const isFirst = (query.offset ?? 0) === 0 && (positions[0] ?? 'offset') === 'offset'
    return isFirst ? firstPage(cafeId, limit) : logPage(cafeId, { ...query, limit })
  }

  /**
   * From memory, which is where live clients hear from, and one and the same object while nothing changes. Right after opening the cafe
   * is compared with the database first, and while other nodes can't be heard the database is asked.
   */
  async function firstPage (cafeId: string, limit: number): Promise<MessagePage> {
    if (!bus.isLive()) return logPage(cafeId, { limit })
    const open = await feed.open(cafeId)
    if (!open.verified) await feed.check([open])
    const { ring } = open
    if (!open.verified) return logPage(cafeId, { limit })
    const kept = newestPages.get(ring)
    if (kept?.rev === ring.rev && kept.limit === limit) return kept
    const messages = ring.newest(limit)
    if (messages.length < Math.min(limit, ring.seq)) return logPage(cafeId, { limit })
    const page = toPage({ head: { seq: ring.seq, rev: ring.rev }, messages }, { limit })
    newestPages.set(ring, page)
    return page
  }

  async function logPage (cafeId: string, range: Range): Promise<MessagePage> {
    const snapshot = await log.page(cafeId, range)
    if (snapshot === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    return toPage(snapshot, range)
  }

  return { prepare, page }
}

export type HistoryService = ReturnType<typeof createHistory>

function toPage ({ head, messages }: Pick<Snapshot, 'messages'> & { head: Pick<Head, 'seq' | 'rev'> }, range: Range): MessagePage {
  const newest = messages[0]?.seq ?? lowest(range) - 1
  const oldest = messages.at(-1)?.seq ?? newest + 1
  return {
    messages,
    total: head.seq,
    limit: range.limit,
    offset: range.offset ?? 0,
    rev: head.rev,
    hasBefore: oldest > 1 && head.seq > 0,
    hasAfter: newest < head.seq
  }
}

/** The seq that an empty page stands below: nothing at or above it was asked for, or all lies below. */
function lowest ({ before, after }: Range): number {
  if (before !== undefined) return before
  if (after !== undefined) return after + 1
  return 1
}

import { refuse } from '../../services/errors.ts'
import type { Appended, Draft } from '../../services/ports.ts'
import { isDataError, retryAfterMs } from './errors.ts'

export type Outcome = Appended | { outcome: 'locked' }

/** Commits drafts in one call; outcomes in their order. `wait`: queue for locked heads instead of skipping them. */
export type Commit = (drafts: Draft[], wait: boolean) => Promise<Outcome[]>

export interface GroupCommitOptions {
  /** drafts of one commit */
  maxBatch: number
  /** drafts that may wait; one more is refused with CHAT_UNAVAILABLE */
  maxQueue: number
  /** commits that may wait for a locked head at the same time */
  maxWaiting: number
}

interface Entry { draft: Draft, resolve: (appended: Appended) => void, reject: (error: unknown) => void }

/**
 * Sends that arrive while a commit is in flight form the next one, so the cost of a commit is shared by all who wait for it.
 * Drafts of a cafe whose head somebody else holds move to a lane of that cafe alone and wait there: only they are delayed.
 */
export function createGroupCommit (commit: Commit, options: GroupCommitOptions) {
  const queue: Entry[] = []
  const lanes = new Map<string, Entry[]>()
  let size = 0
  let running = false
  let waiting = 0

  function append (draft: Draft): Promise<Appended> {
    if (size >= options.maxQueue) return Promise.reject(refuse('CHAT_UNAVAILABLE', { retryAfterMs, message: 'Too many sends are waiting' }))
    size++
    return new Promise<Appended>((resolve, reject) => {
      const entry = { draft, resolve, reject }
      const lane = lanes.get(draft.cafeId)
      if (lane !== undefined) return lane.push(entry)
      queue.push(entry)
      // One turn of the event loop: what arrived in it shares the commit.
      if (!running) {
        running = true
        setImmediate(drain)
      }
    }).finally(() => { size-- })
  }

  async function drain () {
    while (queue.length > 0) {
      const { locked, failure } = await settle(queue.splice(0, options.maxBatch), false)
      for (const entry of locked) detour(entry)
      if (failure !== undefined) refuseAll(queue, failure)
    }
    running = false
  }

  function detour (entry: Entry) {
    const { cafeId } = entry.draft
    const lane = lanes.get(cafeId)
    if (lane !== undefined) return lane.push(entry)
    const refusal = refuse('CHAT_UNAVAILABLE', { retryAfterMs, message: 'The cafe is busy' })
    if (waiting >= options.maxWaiting) return entry.reject(refusal)
    // Those that queued up behind it go along: sends of one socket must not overtake each other.
    const followers = queue.filter(other => other.draft.cafeId === cafeId)
    if (followers.length > 0) queue.splice(0, queue.length, ...queue.filter(other => other.draft.cafeId !== cafeId))
    lanes.set(cafeId, [entry, ...followers])
    drainLane(cafeId)
  }

  async function drainLane (cafeId: string) {
    const lane = lanes.get(cafeId)!
    waiting++
    while (lane.length > 0) {
      const { failure } = await settle(lane.splice(0, options.maxBatch), true)
      if (failure !== undefined) refuseAll(lane, failure)
    }
    waiting--
    lanes.delete(cafeId)
  }

  /** What waited behind a commit that failed has waited long enough, and must not overtake it. */
  function refuseAll (entries: Entry[], cause: unknown) {
    for (const entry of entries.splice(0)) entry.reject(refuse('CHAT_UNAVAILABLE', { retryAfterMs, cause }))
  }

  /** Answers every entry but the locked ones. `failure`: of the commit, not of a single draft. Never rejects. */
  async function settle (batch: Entry[], wait: boolean): Promise<{ locked: Entry[], failure?: unknown }> {
    try {
      const outcomes = await commit(batch.map(entry => entry.draft), wait)
      const locked = batch.filter((entry, index) => {
        const outcome = outcomes[index]!
        if (outcome.outcome === 'locked') return true
        entry.resolve(outcome)
        return false
      })
      return { locked }
    } catch (failure) {
      if (batch.length > 1 && isDataError(failure)) return settleOneByOne(batch, wait)
      for (const entry of batch) entry.reject(failure)
      return isDataError(failure) ? { locked: [] } : { locked: [], failure }
    }
  }

  async function settleOneByOne (batch: Entry[], wait: boolean): Promise<{ locked: Entry[], failure?: unknown }> {
    const locked: Entry[] = []
    for (const [index, entry] of batch.entries()) {
      const single = await settle([entry], wait)
      locked.push(...single.locked)
      if (single.failure === undefined) continue
      refuseAll(batch.slice(index + 1), single.failure)
      return { locked, failure: single.failure }
    }
    return { locked }
  }

  return { append, waiting: () => size }
}

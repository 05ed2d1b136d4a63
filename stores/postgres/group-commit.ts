import { refuse } from '../../services/errors.ts'
import type { Appended, Draft } from '../../services/ports.ts'
import { isDataError, retryAfterMs } from './errors.ts'

export type Outcome = Appended | { outcome: 'locked' }

/** Commits drafts in one call; outcomes in their order. `lockFor`: queue for locked heads, so many milliseconds in all, instead of skipping them. */
export type Commit = (drafts: Draft[], lockFor?: number) => Promise<Outcome[]>

export interface GroupCommitOptions {
  /** drafts of one commit */
  maxBatch: number
  /** drafts that may wait; one more is refused with CHAT_UNAVAILABLE */
  maxQueue: number
  /** commits that may wait for a locked head at the same time */
  maxWaiting: number
  /** milliseconds for a draft whose head is locked; at least half of it is for the lock */
  timeout: number
}

/** `since`: when it came, by the monotonic clock, milliseconds. */
interface Entry { draft: Draft, since: number, resolve: (appended: Appended) => void, reject: (error: unknown) => void }

const ageOf = ({ since }: Entry) => performance.now() - since

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
      const entry = { draft, since: performance.now(), resolve, reject }
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
      const { locked, failure } = await settle(queue.splice(0, options.maxBatch))
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
    // PostgreSQL was slow to say so: to wait as long again would be too long for an answer.
    if (ageOf(entry) > options.timeout / 2 || waiting >= options.maxWaiting) return entry.reject(refusal)
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
      const batch = lane.splice(0, options.maxBatch)
      const { failure } = await settle(batch, Math.max(options.timeout / 2, options.timeout - ageOf(batch[0]!)))
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
  async function settle (batch: Entry[], lockFor?: number): Promise<{ locked: Entry[], failure?: unknown }> {
    try {
      const outcomes = await commit(batch.map(entry => entry.draft), lockFor)
      const locked = batch.filter((entry, index) => {
        const outcome = outcomes[index]!
        if (outcome.outcome === 'locked') return true
        entry.resolve(outcome)
        return false
      })
      return { locked }
    } catch (failure) {
      if (batch.length > 1 && isDataError(failure)) return settleOneByOne(batch, lockFor)
      for (const entry of batch) entry.reject(failure)
      return isDataError(failure) ? { locked: [] } : { locked: [], failure }
    }
  }

  async function settleOneByOne (batch: Entry[], lockFor?: number): Promise<{ locked: Entry[], failure?: unknown }> {
    const locked: Entry[] = []
    for (const [index, entry] of batch.entries()) {
      const single = await settle([entry], lockFor)
      locked.push(...single.locked)
      if (single.failure === undefined) continue
      refuseAll(batch.slice(index + 1), single.failure)
      return { locked, failure: single.failure }
    }
    return { locked }
  }

  return { append, waiting: () => size }
}

import { refuse } from '../../services/errors.ts'
import type { Appended, Draft } from '../../services/ports.ts'
import { isDataError } from './errors.ts'

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
    if (size >= options.maxQueue) return Promise.reject(refuse('CHAT_UNAVAILABLE', { retryAfterMs: 1000, message: 'Too many sends are waiting' }))
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
      const batch = queue.splice(0, options.maxBatch)
      const locked = await settle(batch, false)
      for (const entry of locked) detour(entry)
    }
    running = false
  }

  function detour (entry: Entry) {
    const { cafeId } = entry.draft
    const lane = lanes.get(cafeId)
    if (lane !== undefined) return lane.push(entry)
    const refusal = refuse('CHAT_UNAVAILABLE', { retryAfterMs: 1000, message: 'The cafe is busy' })
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
    while (lane.length > 0) await settle(lane.splice(0, options.maxBatch), true)
    waiting--
    lanes.delete(cafeId)
  }

  /** Answers every entry but the locked ones, which it returns. Never rejects. */
  async function settle (batch: Entry[], wait: boolean): Promise<Entry[]> {
    try {
      const outcomes = await commit(batch.map(entry => entry.draft), wait)
      return batch.filter((entry, index) => {
        const outcome = outcomes[index]!
        if (outcome.outcome === 'locked') return true
        entry.resolve(outcome)
        return false
      })
    } catch (error) {
      if (batch.length > 1 && isDataError(error)) return settleOneByOne(batch, wait)
      for (const entry of batch) entry.reject(error)
      return []
    }
  }

  async function settleOneByOne (batch: Entry[], wait: boolean): Promise<Entry[]> {
    const locked: Entry[] = []
    for (const entry of batch) locked.push(...await settle([entry], wait))
    return locked
  }

  return { append, waiting: () => size }
}

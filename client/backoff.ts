import { isPassing, type ChatError } from './errors.ts'

/** Half a day; also keeps a senseless answer below what timers can count. */
const MOST_MS = 12 * 3_600_000

/** How long to wait before another try: bounded, growing, and never the same for all who wait at once. */
export interface Backoff {
  /** Milliseconds, at least `atLeastMs` when somebody named a time. */
  next: (atLeastMs?: number) => number
  /** It worked: begin anew. */
  reset: () => void
}

/** Waits double from `minMs` up to `maxMs`, each with half of it left to chance. */
export function createBackoff ({ minMs, maxMs }: { minMs: number, maxMs: number }, random = Math.random): Backoff {
  let tries = 0
  return {
    next (atLeastMs = 0) {
      const own = Math.min(maxMs, minMs * 2 ** Math.min(tries++, 30))
      // Who were all told the same time should not come at the same time either.
      return Math.max(own * (0.5 + random() / 2), Math.min(atLeastMs, MOST_MS) * (1 + random() / 10))
    },
    reset () { tries = 0 }
  }
}

export const delay = (ms: number) => new Promise<void>(resolve => { setTimeout(resolve, ms) })

const INSIST = { minMs: 200, maxMs: 5000 }
const INSIST_MS = 30_000

/** Tries until it succeeds, fails for good, or half a minute is over. `attempt` must reject with a ChatError. */
export async function insist<T> (attempt: () => Promise<T>): Promise<T> {
  const until = Date.now() + INSIST_MS
  const backoff = createBackoff(INSIST)
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const wait = backoff.next((error as ChatError).retryAfterMs)
      if (!isPassing(error as ChatError) || Date.now() + wait > until) throw error
      await delay(wait)
    }
  }
}

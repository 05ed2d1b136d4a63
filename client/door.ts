import type { JoinReply } from '../schemas/cafes.ts'
import { createBackoff } from './backoff.ts'
import type { Connection } from './connection.ts'
import { isPassing, type ChatError, type ChatErrorCode } from './errors.ts'
import type { Cafe } from './types.ts'

const WAIT = { minMs: 250, maxMs: 15_000 }
/** A gap so long after the one before is a new one. */
const GAP_FORGOTTEN_MS = 60_000
/** This may pass by itself, too: one leaves another cafe, another token comes, the server is mended. */
const CURABLE: ReadonlySet<string> = new Set<ChatErrorCode>(['CHAT_LIMIT_REACHED', 'CHAT_INTERNAL', 'CHAT_UNAUTHENTICATED', 'CLIENT_BAD_ANSWER'])

interface Ends {
  /** The position to come back from. */
  since: () => number | undefined
  onJoined: (reply: JoinReply) => void
  onRefused: (error: ChatError) => void
  onState: () => void
}

/** Being in a cafe: enters it on every connection, comes back with `since`, and waits where it has to. One join at a time. */
export function createDoor (cafeId: string, connection: Connection, { since, onJoined, onRefused, onState }: Ends) {
  const backoff = createBackoff(WAIT)
  const gaps = createBackoff(WAIT)
  let gapAt = 0
  let state: Cafe['state'] = 'joining'
  let error: ChatError | undefined
  let isEntering = false
  let hasBeenIn = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let waiting: Array<{ resolve: () => void, reject: (error: ChatError) => void }> = []

  function set (next: Cafe['state'], reason?: ChatError) {
    state = next
    error = reason
    if (next !== 'joining' && next !== 'recovering') {
      for (const { resolve, reject } of waiting) {
        if (reason === undefined) resolve()
        else reject(reason)
      }
      waiting = []
    }
    onState()
  }

  const isShut = () => state === 'refused' || state === 'left'

  function enter () {
    if (isShut() || isEntering || !connection.isUp) return
    clearTimeout(timer)
    timer = undefined
    isEntering = true
    const rev = since()
    connection.request('join:cafe', rev === undefined ? { cafeId } : { cafeId, since: rev }).then(admit, refuse)
  }

  function admit (reply: JoinReply) {
    isEntering = false
    if (isShut()) return
    hasBeenIn = true
    backoff.reset()
    set('joined')
    onJoined(reply)
  }

  function refuse (reason: ChatError) {
    isEntering = false
    // The next connection enters by itself.
    if (isShut() || !connection.isUp) return
    if (!isPassing(reason) && !CURABLE.has(reason.code)) {
      set('refused', reason)
      onRefused(reason)
      return
    }
    set(waitingState(), reason)
    timer = setTimeout(enter, backoff.next(reason.retryAfterMs))
  }

  const waitingState = () => hasBeenIn ? 'recovering' : 'joining'

  return {
    enter,
    /** The server says that we are not in. */
    reenter () {
      if (state !== 'joined') return
      set('recovering')
      enter()
    },
    /** Something is missing: asks for it, each time after a longer wait. */
    reenterLater () {
      if (state !== 'joined' || timer !== undefined) return
      if (Date.now() - gapAt > GAP_FORGOTTEN_MS) gaps.reset()
      gapAt = Date.now()
      timer = setTimeout(enter, gaps.next())
    },
    knock () {
      if (state !== 'refused') return
      set(waitingState())
      enter()
    },
    onDown () {
      clearTimeout(timer)
      timer = undefined
      if (!isShut()) set(waitingState())
    },
    /** For good. */
    close (reason: ChatError) {
      clearTimeout(timer)
      set('left', reason)
    },
    whenJoined: () => new Promise<void>((resolve, reject) => {
      if (state === 'joined') resolve()
      else if (isShut()) reject(error)
      else waiting.push({ resolve, reject })
    }),
    get state () { return state },
    get error () { return error }
  }
}

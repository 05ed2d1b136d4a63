import type { Message, SendReply } from '../schemas/messages.ts'
import { createBackoff } from './backoff.ts'
import { ChatError, isPassing, type ChatErrorCode } from './errors.ts'
import type { Outbox, Unsent } from './outbox.ts'

/** So many times the connection broke instead of an answer: the server may be closing it because of the message. REST would say so. */
const MOST_UNANSWERED = 5
const WAIT = { minMs: 200, maxMs: 10_000 }
/** Not this time: after a join, with another token, by the next client with this outbox. */
const CURABLE: ReadonlySet<string> = new Set<ChatErrorCode>(['CHAT_NOT_MEMBER', 'CHAT_UNAUTHENTICATED', 'CLIENT_CLOSED'])

export interface Ways {
  /** May sends go out by the socket now? */
  isReady: () => boolean
  /** By the socket; rejects with a ChatError. */
  send: (entry: Unsent) => Promise<SendReply>
  /** By REST. */
  post: (entry: Unsent) => Promise<SendReply>
  /** Code points of the longest message, as far as it is known. */
  maxLength: () => number
  /** It is in the cafe. */
  onSent: (entry: Unsent, message: Message) => void
  /** Something about an entry changed. */
  onChange: (clientId: string) => void
  /** The server said so. */
  onNotMember: () => void
}

/**
 * Carries the unsent messages of one cafe to the server, one after another in their order, each under its `clientId` and as often as it
 * takes. One that is refused for good stays as `failed`, and the next one goes.
 */
export function createCourier (cafeId: string, outbox: Outbox, ways: Ways) {
  const backoff = createBackoff(WAIT)
  let isBusy = false
  let isStopped = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let notBefore = 0
  let unanswered = { clientId: '', times: 0 }

  /** Sends what there is to send, unless that goes on already or has to wait. */
  function pump () {
    if (isBusy || isStopped || timer !== undefined || outbox.isEmpty || !ways.isReady()) return
    const entry = outbox.list(cafeId).find(({ state }) => state === 'pending')
    if (entry === undefined) return
    const wait = notBefore - Date.now()
    if (wait > 0) {
      timer = setTimeout(wake, wait)
      return
    }
    isBusy = true
    deliver(entry).finally(() => {
      isBusy = false
      pump()
    })
  }

  function wake () {
    clearTimeout(timer)
    timer = undefined
    notBefore = 0
    pump()
  }

  /** Never rejects. */
  async function deliver (entry: Unsent) {
    try {
      // Code points. Much longer, and the server would close the connection instead of an answer.
      if ([...entry.content].length > ways.maxLength()) {
        throw new ChatError('CHAT_CONTENT_INVALID', `The text has more than ${ways.maxLength()} characters`, { details: [{ field: 'content', rule: 'maxLength' }] })
      }
      const isStuck = unanswered.clientId === entry.clientId && unanswered.times >= MOST_UNANSWERED
      const { message } = await (isStuck ? ways.post(entry) : ways.send(entry))
      backoff.reset()
      ways.onSent(entry, message)
    } catch (error) {
      fail(entry, error as ChatError)
    }
  }

  function fail ({ clientId }: Unsent, error: ChatError) {
    // Heard of in the cafe before its ack, or given up.
    if (outbox.get(clientId) === undefined) return
    const { code, retryAfterMs } = error
    if (code === 'CLIENT_OFFLINE') unanswered = { clientId, times: unanswered.clientId === clientId ? unanswered.times + 1 : 1 }
    if (code === 'CHAT_NOT_MEMBER') ways.onNotMember()
    const isPending = isPassing(error) || CURABLE.has(code)
    // A send that came to nothing because the connection broke need not wait for more than the next one.
    notBefore = isPending && code !== 'CLIENT_OFFLINE' ? Date.now() + backoff.next(retryAfterMs) : 0
    outbox.update(clientId, { state: isPending ? 'pending' : 'failed', error })
    ways.onChange(clientId)
  }

  return {
    pump,
    /** The cafe is refused for good, and so is what was to be sent there. */
    refuseAll (error: ChatError) {
      for (const { clientId, state } of outbox.list(cafeId)) {
        if (state !== 'pending') continue
        outbox.update(clientId, { state: 'failed', error })
        ways.onChange(clientId)
      }
    },
    stop () {
      isStopped = true
      clearTimeout(timer)
    }
  }
}

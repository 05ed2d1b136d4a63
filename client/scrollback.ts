import type { Message, MessagePage } from '../schemas/messages.ts'
import { createBackoff, delay, insist } from './backoff.ts'
import { ChatError } from './errors.ts'
import type { Timeline } from './timeline.ts'

const PAGE = 50
const WAIT = { minMs: 200, maxMs: 2000 }
/** Pages that are older than what is known here, one after another. */
const MOST_TRIES = 5

interface Ends {
  timeline: Timeline
  call: <T>(method: string, path: string) => Promise<T>
  isMessage: (value: unknown) => value is Message
  onChange: () => void
}

/** Older messages by REST, a page at a time. */
export function createScrollback (cafeId: string, { timeline, call, isMessage, onChange }: Ends) {
  let loading: Promise<number> | undefined

  async function loadPage (): Promise<number> {
    if (timeline.isFull) throw new ChatError('CLIENT_WINDOW_FULL', 'No more older messages are kept: see `scrollback`')
    const backoff = createBackoff(WAIT)
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const before = timeline.askOlder()
      if (before === undefined) return 0
      const page = await insist(() => call<MessagePage>('GET', `/api/chat/messages/${cafeId}?before=${before}&limit=${PAGE}`))
      if (!Array.isArray(page.messages)) throw new ChatError('CLIENT_BAD_ANSWER', 'The page has no messages')
      const added = timeline.putOlder({ ...page, messages: page.messages.filter(isMessage) }, before)
      if (added !== undefined) {
        onChange()
        return added
      }
      await delay(backoff.next())
    }
    throw new ChatError('CHAT_UNAVAILABLE', 'The server is behind what is known here')
  }

  return {
    /** How many were added. Who asks while a page is being loaded gets the same one. */
    load (): Promise<number> {
      loading ??= loadPage().finally(() => {
        loading = undefined
        timeline.endOlder()
      })
      return loading
    }
  }
}

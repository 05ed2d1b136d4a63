import type { Message } from '../schemas/messages.ts'
import type { ChatError } from './errors.ts'

/** What became of one send. It changes by itself; `settled` says when. */
export interface Sending {
  readonly clientId: string
  readonly content: string
  readonly state: 'pending' | 'sent' | 'failed' | 'discarded'
  /** Why it failed, or why it is not there yet. */
  readonly error: ChatError | undefined
  /** The message, once it is sent. */
  readonly message: Message | undefined
  /** Resolves as soon as it is not pending. Never rejects. */
  settled: () => Promise<Sending>
}

export type Change = Partial<Pick<Sending, 'error' | 'message'>> & Pick<Sending, 'state'>

/** The two ends of a send: what its author sees, and how the client tells them. */
export function createSending (clientId: string, content: string) {
  let now: Change = { state: 'pending' }
  let waiting: Array<(sending: Sending) => void> = []
  const sending: Sending = {
    clientId,
    content,
    get state () { return now.state },
    get error () { return now.error },
    get message () { return now.message },
    settled: () => new Promise(resolve => {
      if (now.state === 'pending') waiting.push(resolve)
      else resolve(sending)
    })
  }
  return {
    sending,
    set (change: Change) {
      now = change
      if (change.state === 'pending') return
      for (const resolve of waiting) resolve(sending)
      waiting = []
    }
  }
}

import type { MessageDeleted, MessageEvent, MessageHistory } from '../../schemas/events.ts'
import type { Message } from '../../schemas/messages.ts'

/** What is in the database of a cafe, as REST tells it: `messages` by seq. */
export interface Truth { seq: number, rev: number, messages: ReadonlyMap<number, Message> }

/**
 * What one device knows of a cafe: it lays what it hears over what it has, as docs/protocol.md says, and minds every step. `note` is told of what must not be.
 */
export function createView (cafeId: string, note: (fault: string) => void) {
  const messages = new Map<number, Message>()
  let position: number | undefined
  let from = 0
  let isLive = false

  const name = `cafe ${cafeId}`

  function lay (message: Message) {
    const present = messages.get(message.seq)
    if (present === undefined || present.rev <= message.rev) messages.set(message.seq, message)
  }

  /** Steps come one by one, from where the history ended. */
  function step (rev: number, what: string) {
    if (!isLive) note(`${name}: ${what} at ${rev}, which this device is not in`)
    else if (rev !== position! + 1) note(`${name}: ${what} at ${rev} after ${position}`)
    position = Math.max(position ?? 0, rev)
  }

  return {
    get position () { return position },
    get isLive () { return isLive },
    leave () { isLive = false },
    hear (history: MessageHistory) {
      if (position !== undefined && history.rev < position) note(`${name}: history at ${history.rev} after ${position}`)
      const seqs = history.messages.map(({ seq }) => seq)
      if (seqs.some((seq, index) => index > 0 && seq >= seqs[index - 1]!)) note(`${name}: history is not newest first: ${seqs.join()}`)
      if (!history.recovered) {
        messages.clear()
        from = seqs.at(-1) ?? 1
      }
      history.messages.forEach(lay)
      position = history.rev
      isLive = true
    },
    change ({ message, rev }: MessageEvent, what: string) {
      step(rev, what)
      lay(message)
    },
    remove ({ seq, rev, deletedAt }: MessageDeleted) {
      step(rev, 'message:deleted')
      const present = messages.get(seq)
      if (present !== undefined) messages.set(seq, { ...present, content: '', deleted: true, rev, deletedAt })
    },
    /** What is not as it is in the database. */
    compare (truth: Truth): string[] {
      const faults: string[] = []
      if (position !== truth.rev) faults.push(`${name}: at ${position}, the head is at ${truth.rev}`)
      for (const [seq, message] of truth.messages) if (seq >= from && !messages.has(seq)) faults.push(`${name}: has no message ${seq} of ${message.id}`)
      for (const [seq, message] of messages) {
        const stored = truth.messages.get(seq)
        if (stored === undefined || !isSame(stored, message)) faults.push(`${name}: message ${seq} is ${JSON.stringify(message)}, stored is ${JSON.stringify(stored)}`)
      }
      return faults
    }
  }
}

export type View = ReturnType<typeof createView>

const sorted = (message: Message) => JSON.stringify(Object.entries(message).toSorted(([a], [b]) => a < b ? -1 : 1))
const isSame = (one: Message, other: Message) => sorted(one) === sorted(other)

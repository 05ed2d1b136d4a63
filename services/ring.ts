import type { Message } from '../schemas/messages.ts'
import type { Change } from './ports.ts'

/**
 * What a node remembers of a cafe: its newest messages in their present state, and its newest changes.
 * Everything in it is true at `rev`; changes reach back to (not including) `floor`.
 */
export interface Ring {
  readonly rev: number
  readonly seq: number
  readonly floor: number
  /** Takes the change `rev + 1`. */
  apply (change: Change): void
  /** Newest first; fewer than `limit` only if there are no more or `limit` is beyond the ring's size. */
  newest (limit: number): Message[]
  /** How many of the messages it has changed after `rev`; there may be others. */
  countChanged (rev: number): number
  /** All changes after `rev`, oldest first; undefined if it does not reach back that far. */
  changesAfter (rev: number): Change[] | undefined
}

/**
 * @param messages newest first, without a hole
 * @param sizes messages and changes kept
 */
export function createRing (rev: number, messages: readonly Message[], sizes: { messages: number, changes: number }): Ring {
  const window = messages.slice(0, sizes.messages).reverse()
  const changes: Change[] = []
  let last = rev
  let floor = rev

  function apply (change: Change) {
    if (change.rev !== last + 1) throw new RangeError(`change ${change.rev} does not follow ${last}`)
    last = change.rev
    changes.push(change)
    if (changes.length > sizes.changes) floor = changes.shift()!.rev
    if (change.kind === 'created') {
      window.push(change.message)
      if (window.length > sizes.messages) window.shift()
      return
    }
    const index = change.message.seq - (window[0]?.seq ?? Infinity)
    const present = window[index]
    if (present !== undefined && present.rev <= change.message.rev) window[index] = change.message
  }

  function changesAfter (rev: number): Change[] | undefined {
    if (rev < floor) return undefined
    return changes.slice(changes.length - Math.max(0, last - rev))
  }

  return {
    get rev () { return last },
    get seq () { return window.at(-1)?.seq ?? 0 },
    get floor () { return floor },
    apply,
    countChanged: rev => window.filter(message => message.rev > rev).length,
    newest: limit => window.slice(-limit).reverse(),
    changesAfter
  }
}

/** Messages newest first, brought forward by later changes: each message once, in its newest state. */
export function fold (messages: readonly Message[], changes: readonly Change[]): Message[] {
  const byId = new Map(messages.map(message => [message.id, message]))
  for (const { message } of changes) {
    const present = byId.get(message.id)
    if (present === undefined || present.rev <= message.rev) byId.set(message.id, message)
  }
  return [...byId.values()].sort((a, b) => b.seq - a.seq)
}

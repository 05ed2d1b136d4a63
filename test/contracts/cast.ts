import { randomUUID } from 'node:crypto'
import type { Message } from '../../schemas/messages.ts'
import type { Person } from '../../schemas/presence.ts'
import type { Change, Word } from '../../services/ports.ts'

/** A new cafe's or message's id: suites share one store and must not meet. */
export const newId = (): string => randomUUID()

export const person = (username: string): Person => ({ id: randomUUID(), username })

/** Words that have one form each. */
export const wordsOf = (...texts: string[]): Word[] => texts.map(text => ({ text, stem: text }))

export const wait = (ms: number) => new Promise<void>(resolve => { setTimeout(resolve, ms) })

/** Waits until `check` holds, at most `ms`. */
export async function until (check: () => boolean | Promise<boolean>, ms = 5000): Promise<void> {
  for (const end = Date.now() + ms; !(await check());) {
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${check}`)
    await wait(10)
  }
}

/** Numbers from 0 up to 1 that are the same in each run (mulberry32). */
export function createRandom (seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (limit: number) => Math.floor(next() * limit)
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!
  return { next, below, pick }
}

export type Random = ReturnType<typeof createRandom>

export function messageOf (cafeId: string, seq: number, rev: number): Message {
  return {
    id: randomUUID(),
    cafeId,
    userId: '7b0b0e0c-0a51-4c1e-9d2f-1f1f3b7f0001',
    username: 'HappyOtter42',
    content: `message ${seq} ☕ مرحبا`,
    createdAt: new Date(1_763_546_400_000 + seq).toISOString(),
    deleted: false,
    seq,
    rev
  }
}

export const tombstoneOf = (message: Message, rev: number): Message =>
  ({ ...message, content: '', deleted: true, deletedAt: new Date(1_763_546_500_000 + rev).toISOString(), rev })

export const created = (message: Message): Change => ({ rev: message.rev, kind: 'created', message })

export const deleted = (message: Message): Change => ({ rev: message.rev, kind: 'deleted', message })

/** The log of a cafe with `length` changes: about one in four deletes a message. */
export function logOf (cafeId: string, length: number, random: Random): Change[] {
  const alive: Message[] = []
  const log: Change[] = []
  let seq = 0
  for (let rev = 1; rev <= length; rev++) {
    if (alive.length > 0 && random.next() < 0.25) {
      const [message] = alive.splice(random.below(alive.length), 1)
      log.push(deleted(tombstoneOf(message!, rev)))
    } else {
      const message = messageOf(cafeId, ++seq, rev)
      alive.push(message)
      log.push(created(message))
    }
  }
  return log
}

/** The newest `size` messages, newest first, as the log has them at `rev`. */
export function newestAt (log: readonly Change[], rev: number, size: number): Message[] {
  const bySeq = new Map<number, Message>()
  for (const { message } of log.slice(0, rev)) bySeq.set(message.seq, message)
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq).slice(0, size)
}

/**
 * What it costs the client to fold changes: `npm run bench:client`. 10,000 changes of one cafe, beside pushing the same 10,000 objects to
 * a plain array, in turns; the median of all rounds in microseconds, with the fastest and the slowest. It ends within 20 seconds.
 */
import { Timeline } from '../client/timeline.ts'
import type { Message } from '../schemas/messages.ts'
import { show, summarise, table } from './figures.ts'

const CHANGES = 10_000
const ROUNDS = 101
const WARM_UPS = 50
const WINDOW = 1000

type Change = { kind: 'put', message: Message, rev: number } | { kind: 'remove', messageId: string, seq: number, rev: number, deletedAt: string }

const at = '2025-11-19T10:00:00.000Z'
const make = (seq: number, rev: number, content: string): Message =>
  ({ id: `message ${seq}`, cafeId: 'cafe', userId: 'user', username: 'HappyOtter42', content, createdAt: at, deleted: false, seq, rev, clientId: `client ${seq}` })

/** Changes as they come live. Of ten, `edits` change and `deletions` delete one of the newest 500 messages. */
function makeChanges (edits: number, deletions: number): Change[] {
  let seq = 0
  return Array.from({ length: CHANGES }, (_, index): Change => {
    const rev = index + 1
    const old = Math.max(1, seq - (index * 7919) % 500)
    if (seq > 0 && index % 10 < edits) return { kind: 'put', message: make(old, rev, 'edited'), rev }
    if (seq > 0 && index % 10 < edits + deletions) return { kind: 'remove', messageId: `message ${old}`, seq: old, rev, deletedAt: at }
    return { kind: 'put', message: make(++seq, rev, 'Hello everyone!'), rev }
  })
}

function push (changes: Change[]): number {
  const list: Change[] = []
  const begin = process.hrtime.bigint()
  for (const change of changes) list.push(change)
  const took = Number(process.hrtime.bigint() - begin) / 1000
  if (list.length !== CHANGES) throw new Error('pushed something else')
  return took
}

/** `reads`: how many times `messages` is read meanwhile. */
function fold (changes: Change[], window: number, reads: number): number {
  const timeline = new Timeline({ window, scrollback: 0 })
  timeline.takeHistory({ messages: [], rev: 0, recovered: false })
  let seen = 0
  let next = CHANGES / reads
  const begin = process.hrtime.bigint()
  for (const change of changes) {
    if (change.kind === 'put') timeline.put(change.message, change.rev)
    else timeline.remove(change)
    if (change.rev < next) continue
    seen += timeline.messages.length
    next += CHANGES / reads
  }
  const took = Number(process.hrtime.bigint() - begin) / 1000
  if (timeline.position !== CHANGES || seen === 0) throw new Error('folded something else')
  return took
}

const rows: Array<[name: string, changes: Change[], window: number, reads: number]> = [
  ['sends', makeChanges(0, 0), WINDOW, 1],
  ['sends, all of them kept', makeChanges(0, 0), CHANGES, 1],
  ['8 sends, an edit and a deletion of ten', makeChanges(1, 1), WINDOW, 1],
  ['the same, read 100 times', makeChanges(1, 1), WINDOW, 100]
]

for (let round = 0; round < WARM_UPS; round++) {
  for (const [, changes, window, reads] of rows) {
    push(changes)
    fold(changes, window, reads)
  }
}
const cells = rows.map(([name, changes, window, reads]) => {
  const pushed: number[] = []
  const folded: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    pushed.push(push(changes))
    folded.push(fold(changes, window, reads))
  }
  const [plain, ours] = [summarise(pushed), summarise(folded)]
  return [name, show(plain), show(ours), (ours.median / plain.median).toFixed(2)]
})
console.log(table([`${CHANGES} changes`, 'pushed, microseconds', 'folded, microseconds', 'times'], cells))

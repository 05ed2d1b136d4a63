import t from 'tap'
import { Timeline } from '../../client/timeline.ts'
import { makeMessage, makePage } from './cast.ts'

const size = { window: 100, scrollback: 200 }
const seqs = ({ messages }: Timeline) => messages.map(({ seq }) => seq)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

function begin (from = 1, to = 5, sizes = size) {
  const timeline = new Timeline(sizes)
  timeline.takeHistory({ messages: makePage(from, to), rev: to, recovered: false })
  return timeline
}

t.test('history is turned round, what is new follows, what is known is dropped', async t => {
  const timeline = new Timeline(size)
  t.equal(timeline.position, undefined)
  t.strictSame(timeline.messages, [])
  timeline.takeHistory({ messages: makePage(3, 5), rev: 9, recovered: false })
  t.equal(timeline.position, 9)
  t.equal(timeline.put(makeMessage(6, { rev: 10 }), 10), 'next')
  t.equal(timeline.put(makeMessage(6, { rev: 10 }), 10), 'known')
  t.strictSame(seqs(timeline), [3, 4, 5, 6])
  t.equal(timeline.position, 10)
})

t.test('the snapshot is frozen, and another one after each change only', async t => {
  const timeline = begin()
  const { messages } = timeline
  t.ok(Object.isFrozen(messages))
  t.equal(timeline.messages, messages)
  timeline.put(makeMessage(5), 5)
  t.equal(timeline.messages, messages, 'known')
  timeline.put(makeMessage(6), 6)
  t.not(timeline.messages, messages)
  t.equal(messages.length, 5, 'the one before is as it was')
})

t.test('edits and deletions are folded by rev, never back', async t => {
  const timeline = begin()
  timeline.put(makeMessage(2, { content: 'edited', rev: 6 }), 6)
  t.equal(timeline.remove({ messageId: 'message 3', seq: 3, rev: 7, deletedAt: 'then' }), 'next')
  t.match(timeline.messages[1], { content: 'edited', rev: 6 })
  t.match(timeline.messages[2], { content: '', deleted: true, deletedAt: 'then', rev: 7, seq: 3 })
  timeline.lay(makeMessage(3, { rev: 3 }))
  t.match(timeline.messages[2], { deleted: true }, 'an ack that comes late says nothing new')
  timeline.remove({ messageId: 'another', seq: 4, rev: 8, deletedAt: 'then' })
  t.match(timeline.messages[3], { deleted: false }, 'another message than the one of this number')
  t.equal(timeline.remove({ messageId: 'message 4', seq: 4, rev: 8, deletedAt: 'then' }), 'known')
})

t.test('a change of a message that is not here is only a step', async t => {
  const timeline = begin(10, 15)
  t.equal(timeline.put(makeMessage(2, { content: 'edited', rev: 16 }), 16), 'next')
  t.equal(timeline.remove({ messageId: 'message 3', seq: 3, rev: 17, deletedAt: 'then' }), 'next')
  t.equal(timeline.remove({ messageId: 'message 99', seq: 99, rev: 18, deletedAt: 'then' }), 'next')
  t.strictSame(seqs(timeline), range(10, 15))
  t.equal(timeline.position, 18)
})

t.test('after a gap changes are shown, and the position waits for what is missing', async t => {
  const timeline = begin()
  t.equal(timeline.put(makeMessage(8), 8), 'gap')
  t.equal(timeline.put(makeMessage(9), 9), 'gap')
  t.equal(timeline.position, 5)
  t.strictSame(seqs(timeline), [1, 2, 3, 4, 5, 8, 9])
  timeline.put(makeMessage(8, { rev: 10, content: 'edited' }), 10)
  timeline.remove({ messageId: 'message 9', seq: 9, rev: 11, deletedAt: 'then' })
  timeline.takeHistory({ messages: [makeMessage(7), makeMessage(6)], rev: 11, recovered: true })
  t.strictSame(seqs(timeline), range(1, 9))
  t.match(timeline.messages[7], { content: 'edited' })
  t.match(timeline.messages[8], { deleted: true })
  t.equal(timeline.position, 11)
})

t.test('recovered history is laid over, any other replaces', async t => {
  const timeline = begin()
  timeline.takeHistory({ messages: [makeMessage(6, { rev: 7 }), makeMessage(2, { rev: 8, content: 'edited' })], rev: 8, recovered: true })
  t.strictSame(seqs(timeline), range(1, 6))
  t.match(timeline.messages[1], { content: 'edited' })
  timeline.takeHistory({ messages: [], rev: 6, recovered: true })
  t.equal(timeline.position, 8, 'never back')
  timeline.takeHistory({ messages: makePage(50, 60), rev: 70, recovered: false })
  t.strictSame(seqs(timeline), range(50, 60))
  timeline.takeHistory({ messages: [makeMessage(1)], rev: 1, recovered: undefined as never })
  t.equal(timeline.position, 1, 'another log; a server that does not say so sent a page')
})

t.test('the window is kept, and the older ones can be had again', async t => {
  const timeline = begin(1, 10)
  t.notOk(timeline.hasOlder)
  for (let seq = 11; seq <= 1000; seq++) {
    timeline.put(makeMessage(seq), seq)
    t.ok(timeline.messages.length <= size.window)
  }
  t.strictSame(seqs(timeline), range(901, 1000))
  t.ok(timeline.hasOlder)
  t.equal(timeline.askOlder(), 901)
  t.equal(timeline.putOlder({ messages: makePage(851, 900), rev: 1000, hasBefore: true }, 901), 50)
  t.strictSame(seqs(timeline), range(851, 1000))
})

t.test('who scrolls back keeps more, up to a bound, until they are back', async t => {
  const timeline = begin(901, 1000)
  for (let first = 901; !timeline.isFull; first -= 50) {
    t.equal(timeline.askOlder(), first)
    timeline.putOlder({ messages: makePage(first - 50, first - 1), rev: 1000, hasBefore: true }, first)
  }
  t.strictSame(seqs(timeline), range(701, 1000))
  for (let seq = 1001; seq <= 2000; seq++) timeline.put(makeMessage(seq), seq)
  t.strictSame(seqs(timeline), range(1701, 2000), 'also then the oldest go')
  timeline.forgetOlder()
  t.strictSame(seqs(timeline), range(1901, 2000))
})

t.test('the last page says that there are no more', async t => {
  const timeline = begin(5, 10)
  t.equal(timeline.askOlder(), 5)
  timeline.putOlder({ messages: makePage(3, 4), rev: 10, hasBefore: false }, 5)
  t.notOk(timeline.hasOlder)
  t.equal(timeline.askOlder(), undefined, 'though it does not begin with 1')
  t.equal(new Timeline(size).askOlder(), undefined, 'nor are there any before nothing')
})

t.test('what changes while a page is on its way is in it, or laid over it', async t => {
  const timeline = begin(10, 12)
  timeline.askOlder()
  timeline.put(makeMessage(8, { rev: 13, content: 'edited' }), 13)
  timeline.remove({ messageId: 'message 9', seq: 9, rev: 14, deletedAt: 'then' })
  timeline.put(makeMessage(7, { rev: 15, content: 'old edit' }), 15)
  const page = [makeMessage(9), makeMessage(8), makeMessage(7, { rev: 16, content: 'newer edit' })]
  t.equal(timeline.putOlder({ messages: page, rev: 12, hasBefore: true }, 10), 3)
  t.strictSame(timeline.messages.slice(0, 3).map(({ content }) => content), ['newer edit', 'edited', ''])
})

t.test('a page is of no use when it is older than what was known, or when the window has moved', async t => {
  const timeline = begin(10, 12)
  const page = { messages: makePage(5, 9), rev: 11, hasBefore: true }
  timeline.askOlder()
  t.equal(timeline.putOlder(page, 10), undefined, 'read before the last change')
  t.equal(timeline.putOlder({ ...page, rev: 12 }, 10), undefined, 'not asked for')
  timeline.askOlder()
  timeline.takeHistory({ messages: makePage(20, 30), rev: 30, recovered: false })
  t.equal(timeline.putOlder({ ...page, rev: 30 }, 10), undefined, 'of another window')
  timeline.askOlder()
  timeline.endOlder()
  t.equal(timeline.putOlder({ ...page, rev: 30 }, 20), undefined, 'given up')
  t.strictSame(seqs(timeline), range(20, 30))
})

t.test('it comes to the same as the log, however it was heard', async t => {
  let seed = 7
  const random = (below: number) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % below }
  for (let round = 0; round < 50; round++) {
    const truth = new Map<number, ReturnType<typeof makeMessage>>()
    const timeline = new Timeline({ window: 1000, scrollback: 0 })
    timeline.takeHistory({ messages: [], rev: 0, recovered: false })
    let seq = 0
    for (let rev = 1; rev <= 200; rev++) {
      const kind = random(4)
      const isDeaf = rev % 20 > 14
      if (seq === 0 || kind < 2) {
        truth.set(++seq, makeMessage(seq, { rev }))
        if (!isDeaf) timeline.put(truth.get(seq)!, rev)
      } else {
        const of = 1 + random(seq)
        const change = kind === 2 ? { content: `edit ${rev}` } : { content: '', deleted: true, deletedAt: 'then' }
        truth.set(of, { ...truth.get(of)!, ...change, rev })
        if (isDeaf) continue
        if (kind === 2) timeline.put(truth.get(of)!, rev)
        else timeline.remove({ messageId: `message ${of}`, seq: of, rev, deletedAt: 'then' })
      }
      if (rev % 20 === 14) continue
      if (rev % 20 === 0) {
        const missed = [...truth.values()].filter(message => message.rev > timeline.position!).toSorted((a, b) => b.seq - a.seq)
        timeline.takeHistory({ messages: missed, rev, recovered: true })
      }
    }
    t.strictSame(timeline.messages, [...truth.values()])
    t.equal(timeline.position, 200)
  }
})

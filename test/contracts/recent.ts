import type { Test } from 'tap'
import type { RecentMessages } from '../../services/ports.ts'
import { created, createRandom, deleted, logOf, messageOf, newestAt, newId, tombstoneOf } from './cast.ts'

const SIZE = 10

/** `make`: recent messages that keep 10 of a cafe, as one more node sees them. All share one store. */
export async function recentContract (t: Test, make: () => Promise<RecentMessages>) {
  const recent = await make()

  t.test('an unknown cafe is absent, and only changes from rev 1 start it', async t => {
    const cafe = newId()
    t.equal(await recent.read(cafe), null)
    t.equal(await recent.apply(cafe, []), null)
    t.equal(await recent.apply(cafe, [created(messageOf(cafe, 5, 5))]), null)
    t.equal(await recent.read(cafe), null)
    const first = messageOf(cafe, 1, 1)
    t.equal(await recent.apply(cafe, [created(first)]), 1)
    t.equal(await recent.apply(cafe, []), 1)
    t.strictSame(await recent.read(cafe), { rev: 1, messages: [first] })
  })

  t.test('keeps the newest, newest first', async t => {
    const cafe = newId()
    const log = Array.from({ length: 25 }, (_, index) => created(messageOf(cafe, index + 1, index + 1)))
    t.equal(await recent.apply(cafe, log), 25)
    t.strictSame(await recent.read(cafe), { rev: 25, messages: newestAt(log, 25, SIZE) })
  })

  t.test('skips what it has and stops at a gap', async t => {
    const cafe = newId()
    const log = logOf(cafe, 12, createRandom(1))
    t.equal(await recent.apply(cafe, log.slice(0, 5)), 5)
    t.equal(await recent.apply(cafe, log.slice(0, 3)), 5)
    t.equal(await recent.apply(cafe, log.slice(3, 7)), 7)
    t.equal(await recent.apply(cafe, log.slice(8)), 7, 'rev 8 is missing')
    t.equal(await recent.apply(cafe, [log[7]!, log[9]!]), 8, 'rev 9 is missing in between')
    t.strictSame(await recent.read(cafe), { rev: 8, messages: newestAt(log, 8, SIZE) })
    t.equal(await recent.apply(cafe, log), 12)
    t.strictSame(await recent.read(cafe), { rev: 12, messages: newestAt(log, 12, SIZE) })
  })

  t.test('a deleted message is replaced where it stands; one that is older than the list only moves the rev', async t => {
    const cafe = newId()
    const messages = Array.from({ length: 12 }, (_, index) => messageOf(cafe, index + 1, index + 1))
    await recent.apply(cafe, messages.map(created))
    const gone = tombstoneOf(messages[7]!, 13)
    t.equal(await recent.apply(cafe, [deleted(gone)]), 13)
    t.same((await recent.read(cafe))?.messages[4], gone)
    t.equal(await recent.apply(cafe, [deleted(tombstoneOf(messages[0]!, 14))]), 14)
    const list = await recent.read(cafe)
    t.equal(list?.rev, 14)
    t.strictSame(list?.messages.map(({ seq }) => seq), [12, 11, 10, 9, 8, 7, 6, 5, 4, 3])
  })

  t.test('a message that came in a newer state never goes back', async t => {
    const cafe = newId()
    const message = messageOf(cafe, 1, 1)
    const gone = tombstoneOf(message, 3)
    t.equal(await recent.apply(cafe, [{ rev: 1, kind: 'created', message: gone }]), 1)
    t.equal(await recent.apply(cafe, [{ rev: 2, kind: 'deleted', message: { ...message, rev: 2 } }]), 2)
    t.strictSame(await recent.read(cafe), { rev: 2, messages: [gone] })
    t.equal(await recent.apply(cafe, [deleted(gone)]), 3)
    t.strictSame(await recent.read(cafe), { rev: 3, messages: [gone] })
  })

  t.test('replace sets the whole, unless a newer one is held', async t => {
    const cafe = newId()
    const log = logOf(cafe, 40, createRandom(2))
    await recent.replace(cafe, 30, newestAt(log, 30, 3 * SIZE))
    t.strictSame(await recent.read(cafe), { rev: 30, messages: newestAt(log, 30, SIZE) })
    await recent.replace(cafe, 20, newestAt(log, 20, SIZE))
    t.equal((await recent.read(cafe))?.rev, 30)
    await recent.replace(cafe, 30, newestAt(log, 30, SIZE))
    t.equal(await recent.apply(cafe, log.slice(28, 35)), 35)
    await recent.replace(cafe, 40, newestAt(log, 40, SIZE))
    t.strictSame(await recent.read(cafe), { rev: 40, messages: newestAt(log, 40, SIZE) })
  })

  t.test('an empty cafe can be held, and goes on from rev 1', async t => {
    const cafe = newId()
    await recent.replace(cafe, 0, [])
    t.strictSame(await recent.read(cafe), { rev: 0, messages: [] })
    t.equal(await recent.apply(cafe, [created(messageOf(cafe, 1, 1))]), 1)
    t.equal((await recent.read(cafe))?.messages.length, 1)
  })

  t.test('never takes a part for the whole', async t => {
    const cafe = newId()
    const log = Array.from({ length: 20 }, (_, index) => created(messageOf(cafe, index + 1, index + 1)))
    const newest = newestAt(log, 20, SIZE)
    await t.rejects(recent.replace(cafe, 20, newest.slice(0, 9)), RangeError, 'too short')
    await t.rejects(recent.replace(cafe, 20, newest.toSpliced(4, 1)), RangeError, 'with a hole')
    await t.rejects(recent.replace(cafe, 20, newest.toReversed()), RangeError, 'oldest first')
    t.equal(await recent.read(cafe), null)
    await recent.replace(cafe, 20, newest)
    t.equal(await recent.apply(cafe, [created(messageOf(cafe, 23, 21))]), null, 'a seq that does not follow')
    t.equal(await recent.read(cafe), null)
  })

  t.test('any order of writes: what is held is the log at its rev', async t => {
    const nodes = [recent, await make(), await make()]
    for (let seed = 1; seed <= 12; seed++) {
      const random = createRandom(seed)
      const cafe = newId()
      const log = logOf(cafe, 60, random)
      for (let step = 0; step < 60; step++) {
        const node = random.pick(nodes)
        const from = random.below(log.length)
        if (random.next() < 0.1) await node.replace(cafe, from, newestAt(log, from, SIZE))
        else await node.apply(cafe, log.slice(from, from + 1 + random.below(20)))
        const list = await node.read(cafe)
        if (list !== null) t.strictSame(list.messages, newestAt(log, list.rev, SIZE), `seed ${seed}, step ${step}`)
      }
      t.equal(await nodes[0]!.apply(cafe, log), 60)
      t.strictSame(await nodes[1]!.read(cafe), { rev: 60, messages: newestAt(log, 60, SIZE) })
    }
  })

  t.test('concurrent writers of the same changes', async t => {
    const nodes = [recent, await make(), await make()]
    const cafe = newId()
    const log = logOf(cafe, 50, createRandom(99))
    for (let start = 0; start < 50; start += 10) {
      await Promise.all(Array.from({ length: 21 }, (_, index) => nodes[index % 3]!.apply(cafe, log.slice(Math.max(0, start - index), start + 10))))
    }
    t.strictSame(await recent.read(cafe), { rev: 50, messages: newestAt(log, 50, SIZE) })
  })
}

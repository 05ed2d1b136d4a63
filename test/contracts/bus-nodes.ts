import type { Test } from 'tap'
import type { Bus, Notice } from '../../services/ports.ts'
import { created, deleted, messageOf, newId, person, tombstoneOf, until, wait } from './cast.ts'

interface Heard { cafeId: string, notice: Notice, nodeId: string }

/** For drivers that several nodes share. `make`: the bus of the node of this name. */
export async function busNodesContract (t: Test, make: (nodeId: string) => Promise<Bus>) {
  const [a, b, c] = await Promise.all(['node-a', 'node-b', 'node-c'].map(make)) as [Bus, Bus, Bus]
  const heard = new Map<Bus, Heard[]>()
  for (const bus of [a, b, c]) {
    const list: Heard[] = []
    heard.set(bus, list)
    bus.onNotice((cafeId, notice, nodeId) => list.push({ cafeId, notice, nodeId }))
  }
  const of = (bus: Bus, cafe: string) => heard.get(bus)!.filter(({ cafeId }) => cafeId === cafe)

  t.test('every kind of notice reaches the other nodes whole', async t => {
    const cafe = newId()
    await Promise.all([a.subscribe(cafe), b.subscribe(cafe), c.subscribe(cafe)])
    const message = messageOf(cafe, 1, 1)
    const notices: Notice[] = [
      { kind: 'changes', changes: [created({ ...message, clientId: 'x' }), deleted(tombstoneOf(message, 2))] },
      { kind: 'attendance', attendance: { cafeId: cafe, user: person('ann'), action: 'join', userCount: 3, version: Date.now() * 1000 } },
      { kind: 'typing', user: person('bob'), isTyping: false }
    ]
    for (const notice of notices) a.publish(cafe, notice)
    await until(() => of(b, cafe).length === 3 && of(c, cafe).length === 3)
    t.strictSame(of(b, cafe), notices.map(notice => ({ cafeId: cafe, notice, nodeId: 'node-a' })))
    t.strictSame(of(c, cafe), of(b, cafe))
    t.strictSame(of(a, cafe), [], 'its own echo is not heard')
  })

  t.test('the notices of one node keep their order', async t => {
    const cafe = newId()
    await b.subscribe(cafe)
    for (let rev = 1; rev <= 500; rev++) a.publish(cafe, { kind: 'changes', changes: [created(messageOf(cafe, rev, rev))] })
    await until(() => of(b, cafe).length === 500)
    t.ok(of(b, cafe).every(({ notice }, index) => notice.kind === 'changes' && notice.changes[0]!.rev === index + 1))
  })

  t.test('a node hears only what it subscribed to', async t => {
    const [open, closed] = [newId(), newId()]
    await Promise.all([b.subscribe(open), b.subscribe(closed)])
    await b.unsubscribe(closed)
    const say = (cafe: string) => a.publish(cafe, { kind: 'typing', user: person('ann'), isTyping: true })
    for (const cafe of [closed, newId(), open]) say(cafe)
    await until(() => of(b, open).length === 1)
    await wait(50)
    t.strictSame(of(b, closed), [])
    await Promise.all([b.subscribe(closed), b.unsubscribe(open), b.unsubscribe(closed), b.subscribe(closed)])
    say(open)
    say(closed)
    await until(() => of(b, closed).length === 1)
    t.equal(of(b, open).length, 1, 'the last wish counts')
  })

  t.test('a thousand cafes', async t => {
    const cafes = Array.from({ length: 1000 }, newId)
    await Promise.all(cafes.map(cafe => b.subscribe(cafe)))
    for (const cafe of cafes) c.publish(cafe, { kind: 'typing', user: person('ann'), isTyping: true })
    const ours = new Set(cafes)
    await until(() => heard.get(b)!.filter(({ cafeId }) => ours.has(cafeId)).length === 1000)
    await Promise.all(cafes.map(cafe => b.unsubscribe(cafe)))
    t.pass('all heard')
  })
}

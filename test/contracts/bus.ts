import type { Test } from 'tap'
import type { Bus, Notice } from '../../services/ports.ts'
import { created, messageOf, newId, person, wait } from './cast.ts'

/** `make`: the bus of one node. */
export async function busContract (t: Test, make: () => Promise<Bus>) {
  const bus = await make()

  t.test('a node does not hear itself, and subscribing is idempotent', async t => {
    const cafe = newId()
    const heard: Notice[] = []
    bus.onNotice((cafeId, notice) => { if (cafeId === cafe) heard.push(notice) })
    bus.onReconnect(() => {})
    await Promise.all([bus.subscribe(cafe), bus.subscribe(cafe)])
    await bus.subscribe(cafe)
    t.equal(bus.isLive(), true)
    t.equal(bus.publish(cafe, { kind: 'changes', changes: [created(messageOf(cafe, 1, 1))] }), undefined)
    bus.publish(cafe, { kind: 'typing', user: person('ann'), isTyping: true })
    await wait(100)
    t.strictSame(heard, [])
    await bus.unsubscribe(cafe)
    await bus.unsubscribe(cafe)
  })
}

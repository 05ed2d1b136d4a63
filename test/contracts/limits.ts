import type { Test } from 'tap'
import type { Config } from '../../schemas/config.ts'
import type { Limits } from '../../services/ports.ts'
import { newId, wait } from './cast.ts'

/** Length of a window in these tests, in seconds. */
export const WINDOW = 1

export type MakeLimits = (rates: Pick<Config['limits'], 'enabled' | 'userRate' | 'cafeRate'>) => Promise<Limits>

/** `make`: limits with windows of a second, as one more node sees them. All share one store. */
export async function limitsContract (t: Test, make: MakeLimits) {
  const takeAll = (limits: Limits, userId: string, cafeId: string, times: number) =>
    Promise.all(Array.from({ length: times }, () => limits.take(userId, cafeId)))
  const passed = (waits: number[]) => waits.filter(ms => ms === 0).length

  t.test('so many of a user may pass in a window', async t => {
    const limits = await make({ enabled: true, userRate: 7, cafeRate: 1000 })
    const [user, other] = [newId(), newId()]
    const waits = await takeAll(limits, user, newId(), 20)
    t.equal(passed(waits), 7)
    t.ok(waits.every(ms => Number.isInteger(ms) && ms >= 0 && ms <= WINDOW * 1000))
    t.equal(await limits.take(other, newId()), 0, 'somebody else is not held up')
    const ms = await limits.take(user, newId())
    t.ok(ms > 0, 'in whichever cafe')
    await wait(ms + 20)
    t.equal(passed(await takeAll(limits, user, newId(), 9)), 7, 'a new window')
  })

  t.test('so many of a cafe may pass in a window', async t => {
    const limits = await make({ enabled: true, userRate: 1000, cafeRate: 5 })
    const cafe = newId()
    const waits = await Promise.all(Array.from({ length: 12 }, () => limits.take(newId(), cafe)))
    t.equal(passed(waits), 5)
    t.equal(await limits.take(newId(), newId()), 0)
  })

  t.test('a send that one bucket refuses takes nothing from the other', async t => {
    const limits = await make({ enabled: true, userRate: 4, cafeRate: 2 })
    const [user, full] = [newId(), newId()]
    t.equal(passed(await takeAll(limits, user, full, 6)), 2, 'the cafe refuses')
    const open = newId()
    t.equal(passed(await takeAll(limits, user, open, 6)), 2, 'the user had two left, and the cafe two')
    t.ok(await limits.take(user, newId()) > 0, 'now the user has none')
    t.equal(passed(await takeAll(limits, newId(), open, 2)), 0)
    const third = newId()
    await takeAll(limits, user, third, 5)
    t.equal(passed(await takeAll(limits, newId(), third, 3)), 2, 'who was refused took nothing from the cafe')
  })

  t.test('what is given back can be taken again, and nothing else can be given back', async t => {
    const limits = await make({ enabled: true, userRate: 3, cafeRate: 1000 })
    const [user, cafe] = [newId(), newId()]
    await limits.giveBack(user, cafe)
    t.equal(passed(await takeAll(limits, user, cafe, 5)), 3, 'no credit')
    await limits.giveBack(user, cafe)
    t.equal(passed(await takeAll(limits, user, cafe, 3)), 1)
    for (let index = 0; index < 6; index++) await limits.giveBack(user, cafe)
    t.equal(passed(await takeAll(limits, user, cafe, 6)), 3, 'down to none taken, not below')
  })

  t.test('limits that are off let everything pass', async t => {
    const limits = await make({ enabled: false, userRate: 1, cafeRate: 1 })
    const [user, cafe] = [newId(), newId()]
    t.equal(passed(await takeAll(limits, user, cafe, 50)), 50)
    await limits.giveBack(user, cafe)
  })

  t.test('nodes share the buckets', async t => {
    const rates = { enabled: true, userRate: 6, cafeRate: 1000 }
    const nodes = [await make(rates), await make(rates)]
    const user = newId()
    const waits = await Promise.all(Array.from({ length: 16 }, (_, index) => nodes[index % 2]!.take(user, newId())))
    t.equal(passed(waits), 6)
    await nodes[0]!.giveBack(user, newId())
    t.equal(await nodes[1]!.take(user, newId()), 0)
  })
}

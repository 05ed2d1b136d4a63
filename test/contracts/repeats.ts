import type { Test } from 'tap'
import type { Config } from '../../schemas/config.ts'
import type { Repeats } from '../../services/ports.ts'
import { newId, wait } from './cast.ts'

export type MakeRepeats = (limits: Pick<Config['limits'], 'enabled' | 'repeatWindow'>) => Promise<Repeats>

const WINDOW = 800

/** `make`: one more node's view of what was said. All share one store. */
export async function repeatsContract (t: Test, make: MakeRepeats) {
  const repeats = await make({ enabled: true, repeatWindow: WINDOW })

  t.test('the same content again must wait, until the window has passed', async t => {
    const [user, cafe] = [newId(), newId()]
    t.equal(await repeats.check(user, cafe, 'aaa'), 0)
    const ms = await repeats.check(user, cafe, 'aaa')
    t.ok(Number.isInteger(ms) && ms > 0 && ms <= WINDOW)
    await wait(WINDOW / 2)
    const rest = await repeats.check(user, cafe, 'aaa')
    t.ok(rest > 0 && rest < ms, 'asking again does not prolong it')
    await wait(rest + 20)
    t.equal(await repeats.check(user, cafe, 'aaa'), 0)
  })

  t.test('another content, user or cafe is fresh', async t => {
    const [user, cafe] = [newId(), newId()]
    t.equal(await repeats.check(user, cafe, 'aaa'), 0)
    t.equal(await repeats.check(newId(), cafe, 'aaa'), 0)
    t.equal(await repeats.check(user, newId(), 'aaa'), 0)
    t.equal(await repeats.check(user, cafe, 'bbb'), 0)
    t.ok(await repeats.check(user, cafe, 'bbb') > 0)
    t.equal(await repeats.check(user, cafe, 'aaa'), 0, 'only the last content counts')
  })

  t.test('a retry under its own clientId passes, any other send does not', async t => {
    const [user, cafe] = [newId(), newId()]
    const clientId = 'a b:c 1'
    t.equal(await repeats.check(user, cafe, 'aaa', clientId), 0)
    t.equal(await repeats.check(user, cafe, 'aaa', clientId), 0)
    t.ok(await repeats.check(user, cafe, 'aaa', 'a b:c 2') > 0)
    t.ok(await repeats.check(user, cafe, 'aaa') > 0)
    t.equal(await repeats.check(user, cafe, 'aaa', clientId), 0, 'the record stays that of the first')
    t.equal(await repeats.check(user, cafe, 'bbb'), 0)
    t.ok(await repeats.check(user, cafe, 'bbb', 'x') > 0)
  })

  t.test('a send that failed is forgotten, unless another content came since', async t => {
    const [user, cafe] = [newId(), newId()]
    await repeats.forget(user, cafe, 'aaa')
    await repeats.check(user, cafe, 'aaa')
    await repeats.forget(user, cafe, 'aaa')
    t.equal(await repeats.check(user, cafe, 'aaa'), 0)
    await repeats.check(user, cafe, 'bbb')
    await repeats.forget(user, cafe, 'aaa')
    t.ok(await repeats.check(user, cafe, 'bbb') > 0)
  })

  t.test('of concurrent sends one passes', async t => {
    const nodes = [repeats, await make({ enabled: true, repeatWindow: WINDOW })]
    const [user, cafe] = [newId(), newId()]
    const waits = await Promise.all(Array.from({ length: 20 }, (_, index) => nodes[index % 2]!.check(user, cafe, 'aaa')))
    t.equal(waits.filter(ms => ms === 0).length, 1)
  })

  t.test('limits off, or a window of nothing: everything passes', async t => {
    for (const limits of [{ enabled: false, repeatWindow: WINDOW }, { enabled: true, repeatWindow: 0 }]) {
      const lax = await make(limits)
      const [user, cafe] = [newId(), newId()]
      t.strictSame([await lax.check(user, cafe, 'aaa'), await lax.check(user, cafe, 'aaa')], [0, 0])
      await lax.forget(user, cafe, 'aaa')
    }
  })
}

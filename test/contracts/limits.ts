import type { Test } from 'tap'
import type { Config } from '../../schemas/config.ts'
import type { Action, Limits, Shortage, Spender } from '../../services/ports.ts'
import { newId, wait } from './cast.ts'

/** In these tests: so long that nothing comes back meanwhile, and so short that one can wait for it. */
export const WINDOW_MS = 600_000
export const SHORT_WINDOW_MS = 1000

const ACTIONS: readonly Action[] = ['send', 'typing', 'join', 'presence']

/** Both steps of a take, as the rules do them. */
export async function take (limits: Limits, action: Action, spender: Spender): Promise<Shortage | undefined> {
  return limits.takeHere(action, spender) ?? limits.takeShared(action, spender)
}

/** The same rates for every action. */
export function ratesOf (user: number, cafe: number): Config['limits']['rates'] {
  return { send: { user, cafe }, typing: { user, cafe }, join: { user, cafe }, presence: { user, cafe } }
}

export type MakeLimits = (limits: Pick<Config['limits'], 'enabled' | 'rates'>, window: number) => Promise<Limits>

/** `make`: limits as one more node sees them. All share one store. */
export async function limitsContract (t: Test, make: MakeLimits) {
  const open = (user: number, cafe: number, window = WINDOW_MS) => make({ enabled: true, rates: ratesOf(user, cafe) }, window)
  const takeAll = (nodes: Limits[], times: number, action: Action, who: () => Spender) =>
    Promise.all(Array.from({ length: times }, (_, index) => take(nodes[index % nodes.length]!, action, who())))
  const passed = (shortages: Array<Shortage | undefined>) => shortages.filter(shortage => shortage === undefined).length

  t.test('a user may do as much at once as the bucket holds', async t => {
    const limits = await open(7, 1000)
    const [user, other] = [newId(), newId()]
    for (const action of ACTIONS) {
      const shortages = await takeAll([limits], 20, action, () => ({ userId: user, places: [newId()] }))
      t.equal(passed(shortages), 7, `${action}: each action has a bucket of its own`)
      for (const shortage of shortages.slice(7)) {
        t.equal(shortage?.of, 'user')
        t.ok(Number.isInteger(shortage?.waitMs) && shortage!.waitMs > 0 && shortage!.waitMs <= Math.ceil(WINDOW_MS / 7), 'the wait is for one, not for all')
      }
      t.equal(await take(limits, action, { userId: other, places: [newId()] }), undefined, 'somebody else is not held up')
      t.match(await take(limits, action, { userId: user }), { of: 'user' }, 'without a cafe it is the same bucket')
    }
  })

  t.test('a cafe takes as much at once as its bucket holds', async t => {
    const limits = await open(1000, 5)
    const cafe = newId()
    for (const action of ACTIONS) {
      const shortages = await takeAll([limits], 12, action, () => ({ userId: newId(), places: [cafe] }))
      t.equal(passed(shortages), 5, action)
      t.equal(shortages.filter(shortage => shortage?.of === 'cafe').length, 7)
      t.equal(await take(limits, action, { userId: newId(), places: [newId()] }), undefined)
    }
  })

  t.test('what was taken comes back evenly, up to what the bucket holds', async t => {
    const limits = await open(5, 1000, SHORT_WINDOW_MS)
    const user = newId()
    const spender = () => ({ userId: user })
    t.equal(passed(await takeAll([limits], 5, 'send', spender)), 5)
    const start = Date.now()
    let more = 0
    while (more < 4) {
      const shortage = await take(limits, 'send', spender())
      if (shortage === undefined) more++
      else await wait(shortage.waitMs + 1)
    }
    const took = Date.now() - start
    t.ok(took >= 590, `four more in ${took} ms, of which each takes 200, the first being on its way`)
    await wait(SHORT_WINDOW_MS + 100)
    t.ok(passed(await takeAll([limits], 12, 'send', spender)) <= 6, 'who waits longer saves no more')
  })

  t.test('a take that one bucket refuses takes from none of them', async t => {
    const limits = await open(4, 2)
    const [user, full, free] = [newId(), newId(), newId()]
    t.equal(passed(await takeAll([limits], 6, 'join', () => ({ userId: user, places: [full] }))), 2, 'the cafe refuses')
    for (let index = 0; index < 3; index++) t.match(await take(limits, 'join', { userId: newId(), places: [free, full] }), { of: 'cafe' })
    t.equal(passed(await takeAll([limits], 6, 'join', () => ({ userId: user, places: [free] }))), 2, 'the user had two left, and the other cafe both')
    t.match(await take(limits, 'join', { userId: user, places: [newId()] }), { of: 'user' }, 'now the user has none')
    const third = newId()
    await takeAll([limits], 5, 'join', () => ({ userId: user, places: [third] }))
    t.equal(passed(await takeAll([limits], 3, 'join', () => ({ userId: newId(), places: [third] }))), 2, 'who was refused took nothing from the cafe')
  })

  t.test('what is given back can be taken again, and nothing else can be given back', async t => {
    const limits = await open(3, 1000)
    const spender = { userId: newId(), places: [newId()] }
    await limits.giveBack('send', spender)
    t.equal(passed(await takeAll([limits], 5, 'send', () => spender)), 3, 'no credit')
    await limits.giveBack('send', spender)
    t.equal(passed(await takeAll([limits], 3, 'send', () => spender)), 1)
    for (let index = 0; index < 6; index++) await limits.giveBack('send', spender)
    t.equal(passed(await takeAll([limits], 6, 'send', () => spender)), 3, 'down to none taken, not below')
  })

  t.test('limits that are off let everything pass', async t => {
    const limits = await make({ enabled: false, rates: ratesOf(1, 1) }, WINDOW_MS)
    const spender = { userId: newId(), places: [newId()] }
    t.equal(passed(await takeAll([limits], 50, 'send', () => spender)), 50)
    await limits.giveBack('send', spender)
  })

  t.test('nodes share the buckets: what is taken at once on two never is more than they hold', async t => {
    const nodes = [await open(6, 40), await open(6, 40)]
    for (const action of ACTIONS) {
      const user = newId()
      t.equal(passed(await takeAll(nodes, 50, action, () => ({ userId: user, places: [newId()] }))), 6, `${action}: of a user`)
      const cafe = newId()
      t.equal(passed(await takeAll(nodes, 200, action, () => ({ userId: newId(), places: [cafe] }))), 40, `${action}: of a cafe`)
    }
    const user = newId()
    await takeAll(nodes, 12, 'send', () => ({ userId: user }))
    await nodes[0]!.giveBack('send', { userId: user })
    t.equal(await take(nodes[0]!, 'send', { userId: user }), undefined)
  })

  t.test('what was refused because of others is not used up on this node either', async t => {
    const nodes = [await open(2, 3), await open(2, 3)]
    const [user, cafe, full] = [newId(), newId(), newId()]
    await takeAll([nodes[0]!], 2, 'typing', () => ({ userId: user, places: [newId()] }))
    // Of the user nothing is left, wherever they try; each try names the same cafe.
    t.equal(passed(await takeAll([nodes[1]!], 5, 'typing', () => ({ userId: user, places: [cafe] }))), 0)
    t.equal(passed(await takeAll([nodes[1]!], 5, 'typing', () => ({ userId: newId(), places: [cafe] }))), 3)
    await takeAll([nodes[0]!], 3, 'typing', () => ({ userId: newId(), places: [full] }))
    const other = newId()
    t.equal(passed(await takeAll([nodes[1]!], 5, 'typing', () => ({ userId: other, places: [full] }))), 0)
    t.equal(passed(await takeAll([nodes[1]!], 5, 'typing', () => ({ userId: other, places: [newId()] }))), 2)
  })
}

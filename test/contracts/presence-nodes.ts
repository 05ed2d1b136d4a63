import type { Test } from 'tap'
import type { Person } from '../../schemas/presence.ts'
import type { Attendance, Presence } from '../../services/ports.ts'
import { createRandom, newId, person, until, wait } from './cast.ts'

export interface PresenceNodes {
  /** One more node on the one store. `lease` in milliseconds. */
  join: (lease?: number) => Promise<Presence>
  /** Forgets everything in the store. */
  flush: () => Promise<void>
}

const LEASE = 400

/** For drivers that several nodes share. */
export async function presenceNodesContract (t: Test, { join, flush }: PresenceNodes) {
  const here = async (node: Presence, cafe: string) => (await node.members(cafe, 100)).users.map(({ username }) => username).sort()

  async function synced (lease?: number): Promise<Presence> {
    const node = await join(lease)
    await node.sync([])
    return node
  }

  t.test('being reaped is not something that a user does', async t => {
    const [dying, other] = [await synced(LEASE), await synced()]
    const cafe = newId()
    const ann = person('ann')
    await dying.enter(cafe, ann)
    const [alive] = await other.find([ann.id])
    await wait(LEASE + 50)
    await until(async () => (await other.beat()).departed.length > 0)
    t.strictSame(await other.find([ann.id]), [{ ...alive, status: 'offline' }])
  })

  t.test('a new node is not known until it has synced', async t => {
    const node = await join()
    t.equal((await node.beat()).known, false)
    t.equal((await node.beat()).known, false, 'still')
    await node.enter(newId(), person('ann'))
    t.equal((await node.beat()).known, false, 'nor after an enter, which gives it a lease')
    await node.sync([])
    t.equal((await node.beat()).known, true)
  })

  t.test('a user on two nodes counts once', async t => {
    const [a, b] = [await synced(), await synced()]
    const cafe = newId()
    const ann = person('ann')
    t.match(await a.enter(cafe, ann), { changed: true, userCount: 1 })
    t.match(await b.enter(cafe, ann), { changed: false, userCount: 1 })
    t.match(await a.leave(cafe, ann), { changed: false, userCount: 1 })
    t.match(await a.leave(cafe, ann), { changed: false, userCount: 1 }, 'what the other node holds is not mine to give up')
    t.strictSame(await here(a, cafe), ['ann'])
    t.match(await b.leave(cafe, ann), { changed: true, userCount: 0 })
    t.strictSame(await a.counts([cafe]), [0])
  })

  t.test('a dead node is reaped by any other, once, and its late steps change nothing', async t => {
    const [a, b, dead] = [await synced(), await synced(), await synced(LEASE)]
    const cafe = newId()
    const [ann, bob, cem] = [person('ann'), person('bob'), person('cem')]
    await dead.enter(cafe, ann)
    await dead.enter(cafe, bob)
    await dead.enter(cafe, cem)
    await a.enter(cafe, cem)
    t.strictSame((await a.beat()).departed, [], 'alive')
    t.strictSame(await a.counts([cafe]), [3])
    await wait(LEASE + 50)
    const [first, second] = await Promise.all([a.beat(), b.beat()])
    const departed = [...first.departed, ...second.departed].filter(({ cafeId }) => cafeId === cafe).sort((x, y) => x.version - y.version)
    t.strictSame(departed.map(({ user }) => user.username).sort(), ['ann', 'bob'])
    t.strictSame(departed.map(({ action, userCount }) => [action, userCount]), [['leave', 2], ['leave', 1]], 'higher versions are newer')
    t.strictSame(await here(b, cafe), ['cem'])
    t.match(await dead.leave(cafe, cem), { changed: false, userCount: 1 }, 'the zombie lets go of what it no longer has')
    t.strictSame(await here(b, cafe), ['cem'])

    await dead.enter(cafe, bob)
    t.equal((await dead.beat()).known, false, 'it was reaped, although it has a lease again')
    const changes = await dead.sync([{ cafeId: cafe, user: ann }, { cafeId: cafe, user: bob }])
    t.match(changes, [{ action: 'join', user: ann, userCount: 3 }], 'bob has entered since')
    t.equal((await dead.beat()).known, true)
    t.strictSame(await here(a, cafe), ['ann', 'bob', 'cem'])
    await Promise.all([a.release(), b.release(), dead.release()])
    t.strictSame(await a.counts([cafe]), [0])
  })

  t.test('who is handed over counts until somebody else has them, or for a while', async t => {
    const [leaver, other] = [await synced(), await synced()]
    const cafe = newId()
    const [ann, bob] = [person('ann'), person('bob')]
    await leaver.enter(cafe, ann)
    await leaver.enter(cafe, bob)
    t.equal(await leaver.handOver(LEASE), true)
    t.match(await other.enter(cafe, ann), { changed: false, userCount: 2 }, 'ann has not come, as she was never gone')
    t.strictSame((await other.beat()).departed, [])
    await wait(LEASE + 50)
    t.match((await other.beat()).departed, [{ action: 'leave', user: { username: 'bob' }, userCount: 1 }])
    t.strictSame(await here(other, cafe), ['ann'])
    await other.release()
  })

  t.test('two nodes that stop together do not wait for each other', async t => {
    await flush()
    const [one, two] = [await synced(), await synced()]
    const cafe = newId()
    await one.enter(cafe, person('ann'))
    t.equal(await one.handOver(60_000), true)
    await two.enter(cafe, person('bob'))
    t.equal(await two.handOver(60_000), false, 'the first is there, but not for long')
    t.equal((await two.release()).length, 2, 'the last one counts all out')
    t.strictSame(await one.counts([cafe]), [0])
  })

  t.test('the last one counts out what was handed over to it, also when that is more than one call takes', async t => {
    await flush()
    const [one, two] = [await synced(60_000), await synced(60_000)]
    const cafe = newId()
    for (let guest = 0; guest < 1100; guest++) await one.enter(cafe, person(`guest${guest}`))
    t.equal(await one.handOver(60_000), true)
    await two.enter(cafe, person('bob'))
    t.equal((await two.release()).length, 1101)
    t.strictSame(await two.counts([cafe]), [0])
  })

  t.test('who has just begun, and had no heartbeat, is company; what it holds stays', async t => {
    await flush()
    const [old, young] = [await synced(60_000), await join(60_000)]
    const cafe = newId()
    await young.enter(cafe, person('ann'))
    await old.enter(cafe, person('bob'))
    t.equal(await old.handOver(60_000), true)
    t.strictSame(await young.counts([cafe]), [2], 'bob may come back')
    t.match(await old.release(), [{ action: 'leave', user: { username: 'bob' } }])
    t.strictSame(await here(young, cafe), ['ann'])
    await young.release()
  })

  t.test('a node that beats in time is not reaped', async t => {
    const lease = 900
    const [a, b] = [await synced(lease), await synced(lease)]
    const cafe = newId()
    await b.enter(cafe, person('ann'))
    for (let beat = 0; beat < 7; beat++) {
      await wait(lease / 6)
      const [x, y] = await Promise.all([a.beat(), b.beat()])
      t.strictSame([x, y], [{ known: true, departed: [] }, { known: true, departed: [] }])
    }
    t.strictSame(await here(a, cafe), ['ann'])
    await Promise.all([a.release(), b.release()])
  })

  t.test('a large dead node is reaped in several beats', async t => {
    const [a, dead] = [await synced(), await synced(LEASE)]
    const cafes = Array.from({ length: 60 }, newId)
    const guests = Array.from({ length: 20 }, (_, index) => person(`guest${index}`))
    const entries = cafes.flatMap(cafeId => guests.map(user => ({ cafeId, user })))
    t.equal((await dead.sync(entries)).length, 1200)
    t.strictSame(await a.counts(cafes), cafes.map(() => 20))
    await wait(LEASE + 50)
    const counts: number[] = []
    const gone: Attendance[] = []
    await until(async () => {
      const { departed } = await a.beat()
      gone.push(...departed)
      counts.push(departed.length)
      return departed.length === 0
    })
    t.ok(counts.every(count => count <= 500), 'bounded')
    t.equal(gone.length, 1200)
    t.strictSame(await a.counts(cafes), cafes.map(() => 0))
    t.equal((await dead.beat()).known, false)
  })

  t.test('an emptied store is made exact again', async t => {
    const nodes = [await synced(), await synced(), await synced()]
    const cafe = newId()
    const [ann, bob, cem] = [person('ann'), person('bob'), person('cem')]
    const held: Array<Array<{ cafeId: string, user: Person }>> = [[ann, bob], [bob], [cem]].map(users => users.map(user => ({ cafeId: cafe, user })))
    for (const [index, entries] of held.entries()) for (const { user } of entries) await nodes[index]!.enter(cafe, user)
    const { version } = await nodes[0]!.enter(cafe, ann)
    await flush()
    t.match(await nodes[0]!.leave(cafe, ann), { changed: false, userCount: 0 })
    t.strictSame((await Promise.all(nodes.map(node => node.beat()))).map(({ known }) => known), [false, false, false])
    const changes = (await Promise.all(nodes.map((node, index) => node.sync(held[index]!)))).flat()
    t.strictSame(changes.map(({ action }) => action), ['join', 'join', 'join'])
    t.strictSame(changes.map(({ userCount }) => userCount).sort(), [1, 2, 3])
    t.ok(changes.every(change => change.version > version), 'versions go on growing')
    t.strictSame(await here(nodes[1]!, cafe), ['ann', 'bob', 'cem'])
    t.strictSame((await Promise.all(nodes.map(node => node.beat()))).map(({ known }) => known), [true, true, true])
  })

  t.test('a store that is emptied in the middle of a sync leaves the node unknown', async t => {
    const node = await synced()
    const entries = Array.from({ length: 1500 }, (_, index) => ({ cafeId: newId(), user: person(`guest${index}`) }))
    const sync = node.sync(entries)
    await until(async () => (await node.counts([entries[0]!.cafeId]))[0] === 1)
    await flush()
    t.ok((await sync).length < 1500, 'it stops')
    t.equal((await node.beat()).known, false)
    await node.sync(entries)
    t.equal((await node.beat()).known, true)
    t.strictSame(await node.counts(entries.map(({ cafeId }) => cafeId)), entries.map(() => 1))
    t.equal((await node.release()).length, 1500)
  })

  t.test('concurrent steps of three nodes end exact', async t => {
    const nodes = [await synced(), await synced(), await synced()]
    const cafes = [newId(), newId()]
    const guests = Array.from({ length: 5 }, (_, index) => person(`guest${index}`))
    const random = createRandom(11)
    const held = nodes.map(() => new Set<string>())
    const net = new Map<string, number>(cafes.map(cafe => [cafe, 0]))
    for (let round = 0; round < 25; round++) {
      const steps = Array.from({ length: 20 }, async () => {
        const [index, cafe, guest] = [random.below(3), random.pick(cafes), random.pick(guests)]
        const key = `${cafe} ${guest.id}`
        const isEntering = random.next() < 0.5
        if (isEntering) held[index]!.add(key)
        else held[index]!.delete(key)
        const { changed, action } = await (isEntering ? nodes[index]!.enter(cafe, guest) : nodes[index]!.leave(cafe, guest))
        if (changed) net.set(cafe, net.get(cafe)! + (action === 'join' ? 1 : -1))
      })
      await Promise.all(steps)
      const union = new Set(held.flatMap(keys => [...keys]))
      const expected = cafes.map(cafe => [...union].filter(key => key.startsWith(cafe)).length)
      t.strictSame(await nodes[0]!.counts(cafes), expected, `round ${round}`)
      t.strictSame(cafes.map(cafe => net.get(cafe)), expected, 'each change of a cafe was told once')
    }
    for (const cafe of cafes) {
      const union = new Set(held.flatMap(keys => [...keys]).filter(key => key.startsWith(cafe)).map(key => key.slice(cafe.length + 1)))
      t.strictSame((await nodes[1]!.members(cafe, 100)).users.map(({ id }) => id).sort(), [...union].sort())
    }
    await Promise.all(nodes.map(node => node.release()))
    t.strictSame(await nodes[2]!.counts(cafes), [0, 0])
  })

  t.test('a status is seen by every node', async t => {
    const [a, b] = [await synced(), await synced()]
    const [first, second] = [newId(), newId()]
    const ann = person('ann')
    await a.enter(first, ann)
    await b.enter(second, ann)
    t.strictSame((await b.setStatus(ann, { status: 'away' })).cafeIds.sort(), [first, second].sort())
    t.match((await a.members(first, 9)).users, [{ status: 'away' }])
    await b.release()
    t.match((await a.members(first, 9)).users, [{ status: 'away' }], 'still somewhere')
    await a.release()
  })
}

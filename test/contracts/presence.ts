import type { Test } from 'tap'
import type { Person } from '../../schemas/presence.ts'
import type { Attendance, Presence } from '../../services/ports.ts'
import { createRandom, newId, person, wait } from './cast.ts'

const people = (attendances: Attendance[]) => attendances.map(({ user }) => user.id).sort()
const ids = (...users: Person[]) => users.map(({ id }) => id).sort()

/** `make`: the presence of one node, alone on its store. */
export async function presenceContract (t: Test, make: () => Promise<Presence>) {
  const node = await make()
  await node.sync([])

  t.test('a user enters and leaves once, however often it is said', async t => {
    const cafe = newId()
    const ann = person('ann')
    const entered = await node.enter(cafe, ann)
    t.match(entered, { cafeId: cafe, user: ann, action: 'join', userCount: 1, changed: true })
    const again = await node.enter(cafe, ann)
    t.match(again, { action: 'join', userCount: 1, changed: false })
    const left = await node.leave(cafe, ann)
    t.match(left, { cafeId: cafe, user: ann, action: 'leave', userCount: 0, changed: true })
    const twice = await node.leave(cafe, ann)
    t.match(twice, { action: 'leave', userCount: 0, changed: false })
    t.match(await node.leave(cafe, person('bob')), { userCount: 0, changed: false }, 'who was never there')
    const versions = [entered, again, left, twice].map(({ version }) => version)
    t.ok(versions.every((version, index) => index === 0 || version > versions[index - 1]!), 'versions grow')
  })

  t.test('counts and members', async t => {
    const [small, large, none] = [newId(), newId(), newId()]
    const guests = Array.from({ length: 15 }, (_, index) => person(`guest${index}`))
    for (const guest of guests) await node.enter(large, guest)
    await node.enter(small, guests[0]!)
    t.strictSame(await node.counts([none, large, small, large]), [0, 15, 1, 15])
    t.strictSame(await node.counts([]), [])
    t.strictSame(await node.members(none, 10), { userCount: 0, users: [] })
    const all = await node.members(large, 100)
    t.equal(all.userCount, 15)
    t.strictSame(all.users.map(({ username }) => username).sort(), guests.map(({ username }) => username).sort())
    const some = await node.members(large, 4)
    t.equal(some.userCount, 15)
    t.equal(new Set(some.users.map(({ id }) => id)).size, 4)
    const [member] = (await node.members(small, 1)).users
    t.strictSame(Object.keys(member!).sort(), ['id', 'lastSeen', 'status', 'username'])
    t.equal(member!.status, 'online')
    t.ok(Math.abs(Date.parse(member!.lastSeen) - Date.now()) < 5000, 'seen just now')
    t.equal(new Date(member!.lastSeen).toISOString(), member!.lastSeen)
  })

  t.test('a status is one for all cafes and lasts until the user is nowhere', async t => {
    const [first, second] = [newId(), newId()]
    const ann = person('ann')
    await node.enter(first, ann)
    await node.enter(second, ann)
    t.strictSame((await node.cafesOf(ann.id)).sort(), [first, second].sort())
    t.strictSame(await node.cafesOf(newId()), [])
    const before = Date.now()
    const { cafeIds, presence } = await node.setStatus(ann, { status: 'busy' })
    t.strictSame(cafeIds.sort(), [first, second].sort())
    t.match(presence, { id: ann.id, username: 'ann', status: 'busy' })
    const seen = Date.parse(presence.lastSeen)
    t.ok(seen >= before - 1000 && seen <= Date.now() + 1000)
    for (const cafe of [first, second]) t.match((await node.members(cafe, 9)).users, [{ id: ann.id, status: 'busy' }])
    await node.leave(second, ann)
    await node.enter(second, ann)
    t.match((await node.members(second, 9)).users, [{ status: 'busy' }], 'kept while the user is somewhere')
    t.strictSame((await node.setStatus(ann, { status: 'away' })).cafeIds.sort(), [first, second].sort())
    await node.leave(first, ann)
    await node.leave(second, ann)
    await node.enter(first, ann)
    t.match((await node.members(first, 9)).users, [{ status: 'online' }], 'anew')
  })

  t.test('a status that was set before entering is kept', async t => {
    const cafe = newId()
    const ann = person('ann')
    t.strictSame((await node.setStatus(ann, { status: 'away' })).cafeIds, [])
    await node.enter(cafe, ann)
    t.match((await node.members(cafe, 9)).users, [{ username: 'ann', status: 'away' }])
  })

  t.test('pages of members: each once, by id, whoever comes and goes between', async t => {
    const cafe = newId()
    const guests = Array.from({ length: 12 }, (_, index) => person(`guest${index}`)).sort((a, b) => a.id < b.id ? -1 : 1)
    for (const guest of guests) await node.enter(cafe, guest)
    const first = await node.members(cafe, 5)
    t.strictSame(first.users.map(({ id }) => id), guests.slice(0, 5).map(({ id }) => id))
    t.equal(first.next, guests[4]!.id)
    await node.leave(cafe, guests[1]!)
    await node.leave(cafe, guests[6]!)
    const second = await node.members(cafe, 5, first.next)
    t.strictSame(second.users.map(({ id }) => id), [5, 7, 8, 9, 10].map(index => guests[index]!.id))
    t.equal(second.userCount, 10, 'of the whole room')
    const last = await node.members(cafe, 5, second.next)
    t.strictSame(last, { userCount: 10, users: last.users })
    t.strictSame(last.users.map(({ id }) => id), [guests[11]!.id])
    t.strictSame(await node.members(cafe, 10), { userCount: 10, users: (await node.members(cafe, 10)).users }, 'exactly a page: there is no next one')
    t.strictSame((await node.members(cafe, 5, 'ffffffff-ffff-4fff-bfff-ffffffffffff')).users, [])
  })

  t.test('words beside the status: they stay, are replaced, taken away, and expire', async t => {
    const cafe = newId()
    const ann = person('ann')
    const words = async () => (await node.members(cafe, 9)).users[0]!.text
    await node.enter(cafe, ann)
    t.equal(await words(), undefined)
    const before = Date.now()
    const { presence } = await node.setStatus(ann, { status: 'away', text: 'Mittagspause ☕', textForMs: 60_000 })
    t.match(presence, { status: 'away', text: 'Mittagspause ☕' })
    const until = Date.parse(presence.textExpiresAt!)
    t.ok(until > before + 55_000 && until < Date.now() + 65_000)
    t.match((await node.setStatus(ann, { status: 'busy' })).presence, { status: 'busy', text: 'Mittagspause ☕', textExpiresAt: presence.textExpiresAt }, 'they stay')
    await node.leave(cafe, ann)
    await node.enter(cafe, ann)
    t.equal(await words(), 'Mittagspause ☕', 'over coming and going')
    const day = Date.parse((await node.setStatus(ann, { status: 'busy', text: 'back soon' })).presence.textExpiresAt!)
    t.ok(day > Date.now() + 23 * 3_600_000, 'a day unless said')
    t.equal(await words(), 'back soon')
    t.notOk('text' in (await node.setStatus(ann, { status: 'online', text: '' })).presence)
    t.equal(await words(), undefined)
    await node.setStatus(ann, { status: 'online', text: 'short', textForMs: 50 })
    t.equal(await words(), 'short')
    await wait(100)
    t.equal(await words(), undefined, 'they have expired')
    t.notOk('text' in (await node.find([ann.id]))[0]!)
  })

  t.test('some users, wherever they are; what they do is seen', async t => {
    const cafe = newId()
    const [ann, bob, cem, nobody] = [person('ann'), person('bob'), person('cem'), person('nobody')]
    await node.enter(cafe, ann)
    await node.setStatus(ann, { status: 'busy' })
    await node.enter(cafe, bob)
    await node.leave(cafe, bob)
    t.match(await node.find([bob.id, nobody.id, ann.id]), [{ id: bob.id, username: 'bob', status: 'offline' }, { id: ann.id, username: 'ann', status: 'busy' }])
    t.strictSame(await node.find([]), [])
    const [before] = await node.find([bob.id])
    await wait(20)
    await node.touch([bob, ann, { ...cem, username: 'Cem B.' }])
    const [after] = await node.find([bob.id])
    t.ok(after!.lastSeen > before!.lastSeen)
    t.match(await node.find([ann.id, cem.id]), [{ status: 'busy' }, { username: 'Cem B.', status: 'offline' }], 'also who is in no cafe')
    await node.enter(cafe, cem)
    t.match(await node.find([cem.id]), [{ username: 'cem', status: 'online' }])
    await node.touch([])
  })

  t.test('the newest name counts', async t => {
    const cafe = newId()
    const ann = person('ann')
    await node.enter(cafe, ann)
    await node.enter(newId(), { ...ann, username: 'Ann B.' })
    t.match((await node.members(cafe, 9)).users, [{ id: ann.id, username: 'Ann B.' }])
    await node.setStatus({ ...ann, username: 'Ann C.' }, { status: 'online' })
    t.match((await node.members(cafe, 9)).users, [{ id: ann.id, username: 'Ann C.' }])
  })

  t.test('without another node nothing is handed over', async t => {
    const cafe = newId()
    await node.enter(cafe, person('ann'))
    t.equal(await node.handOver(1), false)
    await wait(20)
    t.same(await node.beat(), { known: true, departed: [] }, 'and nothing was done')
    t.strictSame(await node.counts([cafe]), [1])
    await node.release()
    await node.sync([])
  })

  t.test('release gives up everything, once', async t => {
    const cafe = newId()
    const [ann, bob] = [person('ann'), person('bob')]
    await node.enter(cafe, ann)
    await node.enter(cafe, bob)
    const gone = (await node.release()).filter(({ cafeId }) => cafeId === cafe)
    t.strictSame(people(gone), ids(ann, bob))
    t.strictSame(gone.map(({ userCount }) => userCount), [1, 0])
    t.ok(gone[0]!.version < gone[1]!.version)
    t.strictSame(gone.map(({ user }) => user.username).sort(), ['ann', 'bob'])
    t.strictSame(await node.release(), [])
    t.strictSame(await node.counts([cafe]), [0])
  })

  t.test('sync makes the entries exactly those that are given', async t => {
    const [kept, left] = [newId(), newId()]
    const [ann, bob, cem] = [person('ann'), person('bob'), person('cem')]
    await node.enter(kept, ann)
    await node.enter(kept, bob)
    await node.enter(left, bob)
    const changes = await node.sync([{ cafeId: kept, user: ann }, { cafeId: kept, user: cem }, { cafeId: kept, user: cem }])
    t.strictSame(people(changes.filter(({ action }) => action === 'join')), ids(cem))
    t.strictSame(people(changes.filter(({ action }) => action === 'leave')), ids(bob, bob))
    t.strictSame(changes.map(({ user }) => user.username).sort(), ['bob', 'bob', 'cem'])
    t.strictSame(await node.counts([kept, left]), [2, 0])
    t.strictSame(await node.sync([{ cafeId: kept, user: ann }, { cafeId: kept, user: cem }]), [], 'nothing to do')
    t.strictSame(await node.beat(), { known: true, departed: [] })
    t.match(await node.sync([]), { length: 2 })
  })

  t.test('a sync is overtaken by who comes and goes meanwhile', async t => {
    const cafe = newId()
    const [ann, bob, cem] = [person('ann'), person('bob'), person('cem')]
    await node.enter(cafe, ann)
    await node.enter(cafe, bob)
    const sync = node.sync([{ cafeId: cafe, user: ann }, { cafeId: cafe, user: bob }])
    await Promise.all([sync, node.leave(cafe, ann), node.enter(cafe, cem)])
    t.strictSame((await node.members(cafe, 9)).users.map(({ id }) => id).sort(), ids(bob, cem))
    t.equal((await node.beat()).known, true)
  })

  t.test('any order of steps: counts are those of a set', async t => {
    const random = createRandom(7)
    const cafes = [newId(), newId(), newId()]
    const guests = Array.from({ length: 6 }, (_, index) => person(`guest${index}`))
    const model = new Map(cafes.map(cafe => [cafe, new Set<string>()]))
    for (let step = 0; step < 300; step++) {
      const [cafe, guest] = [random.pick(cafes), random.pick(guests)]
      const room = model.get(cafe)!
      const isEntering = random.next() < 0.5
      const isChange = isEntering !== room.has(guest.id)
      if (isEntering) room.add(guest.id)
      else room.delete(guest.id)
      const { changed, userCount } = await (isEntering ? node.enter(cafe, guest) : node.leave(cafe, guest))
      t.strictSame({ changed, userCount }, { changed: isChange, userCount: room.size }, `step ${step}`)
    }
    t.strictSame(await node.counts(cafes), cafes.map(cafe => model.get(cafe)!.size))
  })

  t.test('a burst of steps for one user ends as the last one says', async t => {
    const cafe = newId()
    const ann = person('ann')
    const steps = Array.from({ length: 40 }, (_, index) => index % 2 === 0 ? node.enter(cafe, ann) : node.leave(cafe, ann))
    const changes = await Promise.all(steps)
    t.ok(changes.every(({ changed }) => changed))
    t.strictSame(await node.counts([cafe]), [0])
    await Promise.all([...steps, node.enter(cafe, ann)])
    t.strictSame(await node.counts([cafe]), [1])
  })
}

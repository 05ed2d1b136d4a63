import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import type { Presence } from '../../services/ports.ts'
import { createAttendance } from '../../services/attendance.ts'
import { createBudgets } from '../../services/budgets.ts'
import { createPresence } from '../../services/presence.ts'
import { createLimits } from '../../stores/memory/limits.ts'
import { createPresence as createStore } from '../../stores/memory/presence.ts'
import { until } from '../contracts/cast.ts'
import { attendance, cafeId, createBuses, createListener, createWitness, turn } from './cast.ts'

const ann = { id: 'a0000000-0000-4000-8000-000000000001', username: 'ann' }
const bob = { id: 'b0000000-0000-4000-8000-000000000001', username: 'bob' }

/** The rules of one node over the memory driver, of which `other` replaces some calls, beside a node that the test speaks for. `store.away`: every call of it fails. */
function setUp (other: (store: Presence) => Partial<Presence> = () => ({}), env: Record<string, string> = {}) {
  const config = loadConfig({ PRESENCE_HEARTBEAT: '60000', PRESENCE_LEASE: '180000', ...env })
  const real = createStore(Date.now)
  const store = { away: false }
  const calls: string[] = []
  const ports = Object.fromEntries(Object.entries({ ...real, ...other(real) }).map(([name, call]) => [name, async (...args: never[]) => {
    calls.push(name)
    if (store.away) throw new Error('the store is away')
    return (call as (...args: never[]) => unknown)(...args)
  }])) as unknown as Presence
  const { buses: [bus, stranger], sent } = createBuses('here', 'there')
  const listener = createListener()
  const witness = createWitness()
  const attendance = createAttendance(listener.broadcast, Date.now)
  const none = () => Promise.reject(new Error('not asked for'))
  const cafes = { create: none, list: none, get: async (id: string) => id === cafeId ? { id, name: 'Corner Table', createdAt: '2025-11-19T10:00:00.000Z', seq: 0, rev: 0 } : undefined }
  const rules = createPresence({ presence: ports, cafes, bus: bus!, broadcast: listener.broadcast, ...witness }, { attendance, budgets: createBudgets(createLimits(config.limits, Date.now)) }, config)
  const told = () => listener.of('users:update').map(({ payload }) => payload.action === 'sync' ? `sync ${payload.userCount}` : `${payload.action} ${payload.user.username} ${payload.userCount}`)
  return { ...rules, ...witness, store, real, calls, told, sent, stranger: stranger!, listener }
}

t.test('the first socket of a user counts, the last one ends it', async t => {
  const { enter, leave, announce, told, calls, sent, stop } = setUp()
  t.equal(await enter(cafeId, ann, 'tab 1'), 1)
  t.ok(announce(cafeId, ann.id))
  t.equal(await enter(cafeId, ann, 'tab 2'), 1)
  t.notOk(announce(cafeId, ann.id), 'nobody is told of a second tab')
  t.equal(await enter(cafeId, ann, 'tab 2'), 1, 'nor of the same again')
  await leave(cafeId, ann, 'tab 1')
  await leave(cafeId, ann, 'tab 1')
  await leave(cafeId, bob, 'tab 3')
  t.same(calls, ['enter'], 'the store is asked once')
  await leave(cafeId, ann, 'tab 2')
  await turn()
  t.same(told(), ['join ann 1', 'leave ann 0'])
  t.match(sent, [{ attendance: { action: 'join', userCount: 1 } }, { attendance: { action: 'leave', userCount: 0 } }], 'other nodes are told as well')
  await stop()
})

t.test('a reload within the grace period is no coming and going', async t => {
  const { enter, lose, leave, announce, told, calls, stop, beat } = setUp(undefined, { PRESENCE_GRACE: '150' })
  await enter(cafeId, ann, 'tab 1')
  announce(cafeId, ann.id)
  for (let reload = 1; reload <= 3; reload++) {
    await lose(cafeId, ann, `tab ${reload}`)
    await lose(cafeId, ann, `tab ${reload}`)
    await sleep(100)
    t.equal(await enter(cafeId, ann, `tab ${reload + 1}`), 1)
  }
  await sleep(200)
  await turn()
  t.same(told(), ['join ann 1'])
  t.same(calls, ['enter'])

  await lose(cafeId, ann, 'tab 4')
  await beat()
  t.same(told(), ['join ann 1'], 'still counted')
  await until(() => told().length === 2)
  t.same(told(), ['join ann 1', 'leave ann 0'], 'who does not come back has left')

  await enter(cafeId, bob, 'tab 5')
  announce(cafeId, bob.id)
  await enter(cafeId, bob, 'tab 6')
  await lose(cafeId, bob, 'tab 5')
  await leave(cafeId, bob, 'tab 6')
  await turn()
  t.same(told().slice(2), ['join bob 1', 'leave bob 0'], 'who says that they leave has left')
  await enter(cafeId, bob, 'tab 7')
  await lose(cafeId, bob, 'tab 7')
  await stop()
  await sleep(200)
  t.same(calls.at(-1), 'release', 'nothing is counted out after the end')
})

t.test('without a grace period a lost connection is a leave', async t => {
  const { enter, lose, announce, told, stop } = setUp(undefined, { PRESENCE_GRACE: '0' })
  await enter(cafeId, ann, 'tab 1')
  announce(cafeId, ann.id)
  await lose(cafeId, ann, 'tab 1')
  await turn()
  t.same(told(), ['join ann 1', 'leave ann 0'])
  await stop()
})

t.test('what users do is written with the next heartbeat, once for each, and not without a bound', async t => {
  const touched: string[][] = []
  const { noteActivity, beat, store, stop } = setUp(() => ({ touch: async users => { touched.push(users.map(({ username }) => username)) } }))
  for (let n = 0; n < 5; n++) noteActivity(ann)
  noteActivity(bob)
  await beat()
  await beat()
  t.same(touched, [['ann', 'bob']])
  for (let n = 0; n < 10_100; n++) noteActivity({ id: `user ${n}`, username: 'x' })
  store.away = true
  await beat()
  store.away = false
  await beat()
  t.equal(touched.length, 1, 'what cannot be written is forgotten')
  for (let n = 0; n < 10_100; n++) noteActivity({ id: `user ${n}`, username: 'x' })
  await beat()
  t.equal(touched[1]!.length, 10_000)
  await stop()
})

t.test('who is refused in the end has not been there', async t => {
  const { enter, leave, announce, told, sent, calls, real, stop } = setUp()
  const broke = async () => { await turn(); throw new Error('no budget left') }
  await t.rejects(enter(cafeId, ann, 'tab 1', broke), { message: 'no budget left' })
  await leave(cafeId, ann, 'tab 1')
  await turn()
  t.same([told(), sent], [[], []], 'nobody hears of it')
  t.same(calls, ['enter', 'leave'])
  t.same(await real.counts([cafeId]), [0])

  t.equal(await enter(cafeId, ann, 'tab 2', async () => { t.equal(await enter(cafeId, ann, 'tab 3', broke), 1) }), 1, 'only the first connection pays')
  t.ok(announce(cafeId, ann.id))

  const refused = t.rejects(enter(cafeId, bob, 'tab 4', broke))
  const other = enter(cafeId, bob, 'tab 5')
  await refused
  await leave(cafeId, bob, 'tab 4')
  t.equal(await other, 2)
  t.ok(announce(cafeId, bob.id), 'another connection of theirs that was let in tells it')
  await turn()
  t.same(told(), ['join ann 1', 'join bob 2'])

  const cem = { id: 'c0000000-0000-4000-8000-000000000001', username: 'cem' }
  await t.rejects(enter(cafeId, cem, 'tab 6', async () => {
    await turn()
    await leave(cafeId, ann, 'tab 2')
    await leave(cafeId, ann, 'tab 3')
    throw new Error('no budget left')
  }))
  await leave(cafeId, cem, 'tab 6')
  await turn()
  t.same(told().slice(2), ['leave ann 2', 'leave cem 1'], 'a count that others were told with them in it is put right')
  await stop()
})

t.test('a second tab waits until the first one counts', async t => {
  let count = () => {}
  const { enter, stop } = setUp(store => ({
    async enter (...args) {
      await new Promise<void>(resolve => { count = resolve })
      return store.enter(...args)
    }
  }))
  const both = Promise.all([enter(cafeId, ann, 'tab 1'), enter(cafeId, ann, 'tab 2')])
  await turn()
  count()
  t.same(await both, [1, 1])
  await stop()
})

t.test('while the store is away this node guesses, and the next heartbeat mends it', async t => {
  const { enter, leave, announce, beat, store, real, warned, counted, told, stop, setStatus, members } = setUp()
  await enter(cafeId, ann, 'tab 1')
  store.away = true
  t.equal(await enter(cafeId, bob, 'tab 2'), 2)
  announce(cafeId, bob.id)
  await leave(cafeId, ann, 'tab 1')
  await turn()
  t.same(told(), ['join bob 2', 'leave ann 1'])
  t.same(warned, ['presence', 'presence'])
  t.same(counted, ['hot_state_failures presence', 'hot_state_failures presence'])
  await beat()
  t.ok(warned.includes('presence heartbeat'))
  await t.rejects(setStatus(ann, { status: 'away' }), { code: 'CHAT_UNAVAILABLE' })
  await t.rejects(members(cafeId, 10), { code: 'CHAT_UNAVAILABLE' })

  store.away = false
  t.match(await members(cafeId, 10), { users: [{ username: 'ann' }] }, 'the store is behind')
  await beat()
  t.match(await real.members(cafeId, 10), { userCount: 1, users: [{ username: 'bob' }] }, 'until the heartbeat')
  await t.rejects(members('c0ffee00-0000-4000-8000-000000000002', 10), { code: 'CHAT_CAFE_NOT_FOUND' })
  await stop()
})

t.test('who was held by a node that died is told of, and who this node lost comes back', async t => {
  let known = false
  const { enter, beat, told, real, calls, sent, stop } = setUp(store => ({
    beat: async () => ({ known, departed: known ? [] : [attendance(1, 'leave', 'cem', 1)] }),
    async sync (entries) {
      known = true
      return store.sync(entries)
    }
  }))
  await enter(cafeId, ann, 'tab 1')
  await real.release()
  t.same(await real.counts([cafeId]), [0], 'the store has forgotten this node')
  await Promise.all([beat(), beat()])
  await turn()
  t.same(told(), ['leave cem 1'], 'of ann, who was there all the time, the others need not hear')
  t.same(await real.counts([cafeId]), [1], 'ann is there again')
  t.same(calls, ['enter', 'beat', 'sync', 'counts'], 'one heartbeat at a time')
  for (let n = 0; n < 4; n++) await beat()
  t.same(calls.slice(4), ['beat', 'counts', 'beat', 'counts', 'beat', 'beat'], 'the other nodes may not be as far; then all is well')
  t.match(sent.filter(({ kind }) => kind === 'count'), [{ userCount: 1 }, { userCount: 1 }, { userCount: 1 }, { userCount: 1 }], 'which are asked to count when it has mended, and three times more')
  await stop()
})

t.test('what other nodes tell', async t => {
  const { enter, stranger, told, stop, store, warned } = setUp()
  await enter(cafeId, ann, 'tab 1')
  stranger.publish(cafeId, { kind: 'attendance', attendance: { ...attendance(Number.MAX_SAFE_INTEGER, 'join', 'bob', 2) } })
  stranger.publish(cafeId, { kind: 'typing', user: bob, isTyping: true })
  await turn()
  t.same(told(), ['join bob 2'])
  store.away = true
  await stop()
  await until(() => warned.includes('release presence'))
  t.ok(warned.includes('release presence'), 'stopping does not fail where the store does')
})

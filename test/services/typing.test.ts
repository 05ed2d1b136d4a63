import t from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import { createBudgets } from '../../services/budgets.ts'
import { createTyping } from '../../services/typing.ts'
import { createLimits } from '../../stores/memory/limits.ts'
import { created, messageOf } from '../contracts/cast.ts'
import { cafeId, createBuses, createListener, wait } from './cast.ts'

const TIMEOUT = 100
const ann = { id: 'a0000000-0000-4000-8000-000000000001', username: 'ann' }
const bob = { id: 'b0000000-0000-4000-8000-000000000001', username: 'bob' }

/** Nodes that hear each other, and what each of them told its sockets: `+ann` began, `-ann` ceased. */
function setUp (nodes: number, env: Record<string, string> = {}) {
  const room = { userCount: 2 }
  const gone: Array<(cafeId: string, userId: string) => void> = []
  const config = loadConfig({ CHAT_TYPING_TIMEOUT: String(TIMEOUT), ...env })
  const { buses, sent } = createBuses(...Array.from({ length: nodes }, (_, n) => `node ${n}`))
  const made = buses.map(bus => {
    const listener = createListener()
    const told = () => listener.of('typing:indicator').map(({ payload: { username, isTyping } }) => `${isTyping ? '+' : '-'}${username}`)
    return { ...createTyping({ bus, broadcast: listener.broadcast }, { budgets: createBudgets(createLimits(config.limits, Date.now)), presence: { noteActivity () {} }, attendance: { count: () => room.userCount, onLeave (listener) { gone.push(listener) } } }, config, Date.now), bus, told, said: listener.said }
  })
  const close = () => { for (const node of made) node.close() }
  return { nodes: made, room, sent, gone, close }
}

t.test('one burst is one pair, whatever ends it', async t => {
  const { nodes: [node], close } = setUp(1)
  const { start, stop, end, told, said } = node!
  const socket = { id: 'socket 1', user: ann }
  await start(cafeId, socket)
  await start(cafeId, socket)
  stop(cafeId, socket)
  stop(cafeId, socket)
  t.same(told(), ['+ann', '-ann'], 'stop')
  t.match(said[0], { cafeId, payload: { cafeId, userId: ann.id, username: 'ann', isTyping: true }, exceptUserId: ann.id }, 'the typist\'s own sockets are left out')
  await start(cafeId, socket)
  end(cafeId, ann)
  end(cafeId, ann)
  stop(cafeId, socket)
  t.same(told().slice(2), ['+ann', '-ann'], 'a message')
  await start(cafeId, socket)
  await wait(TIMEOUT + 30)
  t.same(told().slice(4), ['+ann', '-ann'], 'the timeout')
  await start(cafeId, socket)
  for (let n = 0; n < 5; n++) {
    await wait(TIMEOUT / 2)
    await start(cafeId, socket)
  }
  t.same(told().slice(6), ['+ann'], 'who goes on is not told again, and does not time out')
  await wait(TIMEOUT + 30)
  t.same(told().slice(6), ['+ann', '-ann'])
  close()
})

t.test('tabs on one node', async t => {
  const { nodes: [node], close } = setUp(1)
  const { start, stop, told } = node!
  const [tab, other] = [{ id: 'socket 1', user: ann }, { id: 'socket 2', user: ann }]
  await start(cafeId, tab)
  await start(cafeId, other)
  stop(cafeId, tab)
  t.same(told(), ['+ann'], 'she still types in the other')
  await start('another cafe', { id: 'socket 3', user: bob })
  stop(cafeId, other)
  t.same(told(), ['+ann', '+bob', '-ann'])
  close()
})

t.test('devices on two nodes', async t => {
  const { nodes: [here, there, third], close } = setUp(3)
  const [tab, phone] = [{ id: 'socket 1', user: ann }, { id: 'socket 2', user: ann }]
  await here!.start(cafeId, tab)
  await there!.start(cafeId, phone)
  here!.stop(cafeId, tab)
  for (const node of [here, there, third]) t.same(node!.told(), ['+ann'], 'the phone still types')
  there!.stop(cafeId, phone)
  for (const node of [here, there, third]) t.same(node!.told(), ['+ann', '-ann'], 'one pair at each node')

  await here!.start(cafeId, tab)
  await wait(TIMEOUT + 30)
  for (const node of [here, there, third]) t.same(node!.told().slice(2), ['+ann', '-ann'], 'the timeout is told everywhere')
  close()
})

t.test('a message that was sent by way of another node', async t => {
  const { nodes: [here, there], close } = setUp(2)
  await here!.start(cafeId, { id: 'socket 1', user: ann })
  const message = { ...messageOf(cafeId, 1, 1), userId: ann.id, username: ann.username }
  there!.bus.publish(cafeId, { kind: 'changes', changes: [{ ...created(message), kind: 'deleted' }] })
  t.same(here!.told(), ['+ann'], 'a deletion is no message')
  there!.bus.publish(cafeId, { kind: 'changes', changes: [created(message)] })
  for (const node of [here, there]) t.same(node!.told(), ['+ann', '-ann'])
  there!.bus.publish(cafeId, { kind: 'attendance', attendance: { cafeId, user: ann, action: 'join', userCount: 1, version: 1 } })
  t.same(here!.told(), ['+ann', '-ann'], 'other notices are none of its business')
  close()
})

t.test('what nodes tell each other', async t => {
  const { nodes: [here, there], sent, close } = setUp(2)
  const socket = { id: 'socket 1', user: ann }
  for (let n = 0; n < 20; n++) {
    await here!.start(cafeId, socket)
    await wait(TIMEOUT / 10)
  }
  const told = sent.length
  t.ok(told >= 2 && told <= 8, `${told} notices for 20 keystrokes in two timeouts`)
  here!.stop(cafeId, socket)
  t.same(there!.told(), ['+ann', '-ann'])
  close()
})

t.test('a node that is gone is forgotten', async t => {
  const { nodes: [here, there], close } = setUp(2)
  await here!.start(cafeId, { id: 'socket 1', user: ann })
  here!.close() // as a crash: not a word more
  t.same(there!.told(), ['+ann'])
  await wait(TIMEOUT * 1.5 + 1050)
  t.same(there!.told(), ['+ann', '-ann'])
  there!.bus.publish(cafeId, { kind: 'typing', user: ann, isTyping: true })
  here!.bus.publish(cafeId, { kind: 'typing', user: bob, isTyping: false })
  t.same(there!.told(), ['+ann', '-ann'], 'the end of what never began is not told')
  close()
})

t.test('closing ends all timers', async t => {
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  const { nodes: [here, there], close } = setUp(2)
  await here!.start(cafeId, { id: 'socket 1', user: ann })
  await there!.start(cafeId, { id: 'socket 2', user: bob })
  t.ok(timers() > before)
  close()
  t.equal(timers(), before)
})

t.test('in a large room: one indicator a second, with a sample and a count', { timeout: 30_000 }, async t => {
  const { nodes: [node], room, close } = setUp(1, { CHAT_TYPING_TIMEOUT: '60000', CHAT_TYPING_ROOM: '50' })
  const { start, stop, said } = node!
  const told = () => said.map(({ payload }) => payload as { username: string, isTyping: boolean, count?: number, typists?: Array<{ username: string }> })
  const short = () => told().map(({ username, isTyping, count, typists }) => `${isTyping ? '+' : '-'}${username} ${count} ${typists?.map(one => one.username).join('')}`)
  const people = Array.from({ length: 8 }, (_, index) => ({ id: `socket ${index}`, user: { id: `id ${index}`, username: 'abcdefgh'[index]! } }))
  room.userCount = 51
  await Promise.all(people.map(one => start(cafeId, one)))
  t.same(short(), ['+a 1 a'], 'the first at once')
  t.equal(said[0]!.exceptUserId, 'id 0')
  await wait(1100)
  t.same(short(), ['+a 1 a', '+a 8 abcde'])
  await wait(1100)
  t.equal(said.length, 2, 'nothing is new')
  stop(cafeId, people[0]!)
  stop(cafeId, people[1]!)
  await wait(1100)
  t.same(short().slice(2), ['-a 6 cdefg'], 'who was named is taken back')
  await wait(1000)
  t.same(short().slice(3), ['+c 6 cdefg'], 'before another one is named')
  for (const one of people.slice(2)) stop(cafeId, one)
  await wait(1000)
  t.same(short().slice(4), ['-c 0 '])
  await start(cafeId, people[5]!)
  t.equal(said.length, 5, 'not yet')
  await wait(1100)
  t.same(short().slice(5), ['+f 1 f'])

  // Names that were told in one way are taken back in the same.
  room.userCount = 2
  await start(cafeId, people[6]!)
  t.match(said.at(-1), { payload: { username: 'g', isTyping: true } })
  t.notOk('count' in said.at(-1)!.payload)
  room.userCount = 51
  stop(cafeId, people[6]!)
  t.match(said.at(-1), { payload: { username: 'g', isTyping: false } })
  room.userCount = 2
  stop(cafeId, people[5]!)
  await wait(1100)
  t.same(short().at(-1), '-f 0 ')
  const before = said.length
  await wait(1200)
  t.equal(said.length, before)
  close()
})

t.test('a storm of typing in a large room costs each socket one event a second', { timeout: 30_000 }, async t => {
  const { nodes: [node], room, close } = setUp(1, { CHAT_TYPING_TIMEOUT: '60000', CHAT_TYPING_ROOM: '1' })
  room.userCount = 1000
  const { start, stop, said } = node!
  const began = Date.now()
  for (let burst = 0; burst < 10; burst++) {
    await Promise.all(Array.from({ length: 200 }, (_, index) => start(cafeId, { id: `socket ${index}`, user: { id: `id ${index}`, username: `name ${index}` } })))
    await wait(150)
    for (let index = 0; index < 200; index++) stop(cafeId, { id: `socket ${index}`, user: { id: `id ${index}`, username: `name ${index}` } })
    await wait(150)
  }
  const seconds = (Date.now() - began) / 1000
  t.ok(said.length >= 2 && said.length <= seconds + 1, `${said.length} events in ${seconds} s for 4,000 beginnings and ends`)
  await wait(1200)
  const pairs = said.map(({ payload }) => (payload as { isTyping: boolean }).isTyping)
  t.equal(pairs.at(-1), false, 'and in the end nobody types')
  close()
})

t.test('who comes in the middle hears what was said to those who were there', async t => {
  const { nodes: [node, other], room, close } = setUp(2, { CHAT_TYPING_ROOM: '2' })
  const cem = { id: 'c0000000-0000-4000-8000-000000000001', username: 'cem' }
  t.same(node!.current(cafeId, cem.id), [])
  await node!.start(cafeId, { id: 'socket 1', user: ann })
  await other!.start(cafeId, { id: 'socket 2', user: bob })
  const heard = (userId: string) => node!.current(cafeId, userId).map(({ username, isTyping }) => `${isTyping ? '+' : '-'}${username}`)
  t.same(heard(cem.id), ['+ann', '+bob'])
  t.same(heard(bob.id), ['+ann'], 'nobody of themselves')
  t.same(node!.current('c0ffee00-0000-4000-8000-000000000002', cem.id), [], 'nor of other cafes')
  node!.stop(cafeId, { id: 'socket 1', user: ann })
  other!.stop(cafeId, { id: 'socket 2', user: bob })
  t.same(heard(cem.id), [])

  room.userCount = 3
  await node!.start(cafeId, { id: 'socket 1', user: ann })
  await other!.start(cafeId, { id: 'socket 2', user: bob })
  t.match(node!.current(cafeId, cem.id), [{ username: 'ann', isTyping: true, count: 2, typists: [{ username: 'ann' }, { username: 'bob' }] }], 'in a large room, of the one that is named')
  close()
})

t.test('whose node is dead has left, and types no more', async t => {
  const { nodes: [node, other], gone, close } = setUp(2)
  await other!.start(cafeId, { id: 'socket 1', user: ann })
  await node!.start(cafeId, { id: 'socket 2', user: bob })
  t.same(node!.told(), ['+ann', '+bob'])
  gone[0]!(cafeId, ann.id)
  gone[0]!(cafeId, bob.id)
  gone[0]!(cafeId, 'nobody')
  t.same(node!.told(), ['+ann', '+bob', '-ann'], 'who types here ends here')
  close()
})

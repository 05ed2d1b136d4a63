import t from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import type { Topics } from '../../services/ports.ts'
import { createTopics } from '../../services/topics.ts'
import { createTopics as createStore } from '../../stores/memory/topics.ts'
import { messageOf, until } from '../contracts/cast.ts'
import { cafeId, createListener, createWitness, turn } from './cast.ts'

/** The rules over the memory driver, of which `other` replaces some calls. */
function setUp (other: (store: Topics) => Partial<Topics> = () => ({}), now = Date.now) {
  const config = loadConfig({})
  const store = createStore(config.topics)
  const listener = createListener()
  const witness = createWitness()
  const cafes = { create: () => Promise.reject(new Error('not asked for')), list: () => Promise.reject(new Error('not asked for')) }
  const get = async (id: string) => id === cafeId ? { id, name: 'Corner Table', createdAt: '2025-11-19T10:00:00.000Z', seq: 0, rev: 0 } : undefined
  const rules = createTopics({ topics: { ...store, ...other(store) }, cafes: { ...cafes, get }, broadcast: listener.broadcast, ...witness }, config, now)
  let seq = 0
  const say = (content: string, userId = 'ann') => {
    const message = { ...messageOf(cafeId, ++seq, seq), userId, content, createdAt: new Date(now()).toISOString() }
    rules.note(message)
    return message
  }
  const told = () => listener.of('topics:update').map(({ payload }) => payload.topics.join())
  return { ...rules, ...witness, say, told, listener }
}

const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

t.test('words of messages become topics, those of deleted ones cease to be', async t => {
  const { say, told, top, takeBack, stop, listener } = setUp()
  const message = say('espresso')
  await until(() => told().length === 1)
  t.same(listener.said[0], { cafeId, event: 'topics:update', payload: { cafeId, topics: ['espresso'] } })
  t.match(await top(cafeId, 10), { cafeId, topics: ['espresso'], details: [{ topic: 'espresso', messages: 1 }] })
  say('☕')
  takeBack({ ...message, content: '', deleted: true }, 'espresso')
  takeBack({ ...message, content: '', deleted: true }, '☕')
  await until(() => told().length === 2)
  t.same(told(), ['espresso', ''])
  await t.rejects(top('c0ffee00-0000-4000-8000-000000000002', 10), { code: 'CHAT_CAFE_NOT_FOUND' })
  await stop()
})

t.test('what happens to a message before it was counted counts in the right order', async t => {
  const { say, top, revise, takeBack, stop } = setUp()
  say('espresso', 'bob')
  const message = say('espresso and cake')
  const edited = { ...message, content: 'espresso and croissants' }
  revise(edited, message.content)
  takeBack({ ...edited, content: '', deleted: true }, edited.content)
  await stop()
  t.match((await top(cafeId, 10)).details, [{ topic: 'espresso', messages: 1 }])
  t.same((await top(cafeId, 10)).topics, ['espresso'])
})

t.test('scores are those of the moment of the answer, with four decimals', async t => {
  const QUARTER = 900_000
  let clock = 1_763_546_400_000
  const { say, top, takeBack, stop } = setUp(undefined, () => clock)
  say('espresso with a croissant', 'ann')
  const second = say('two croissants, and croissants for all', 'bob')
  const details = async (limit = 10) => (await top(cafeId, limit)).details
  await until(async () => (await details())[0]?.messages === 2)
  t.same(await top(cafeId, 10), { cafeId, topics: ['croissant', 'espresso'], details: [{ topic: 'croissant', score: 2, messages: 2 }, { topic: 'espresso', score: 1, messages: 1 }] })
  clock += QUARTER / 2
  t.same(await details(), [{ topic: 'croissant', score: 1.4142, messages: 2 }, { topic: 'espresso', score: 0.7071, messages: 1 }])
  t.same(await details(1), [{ topic: 'croissant', score: 1.4142, messages: 2 }])
  takeBack({ ...second, content: '', deleted: true }, second.content)
  await until(async () => (await details())[0]?.messages === 1)
  t.same(await details(), [{ topic: 'espresso', score: 0.7071, messages: 1 }, { topic: 'croissant', score: 0.7071, messages: 1 }], 'even: in the reverse order of their code points')
  clock += 7 * QUARTER / 2
  t.same(await details(), [{ topic: 'espresso', score: 0.0625, messages: 1 }, { topic: 'croissant', score: 0.0625, messages: 1 }])
  clock += 1
  t.same(await top(cafeId, 10), { cafeId, topics: [], details: [] })
  await stop()
})

t.test('an edit takes back what went and counts what came; what stayed is no change', async t => {
  const { say, told, top, revise, stop } = setUp()
  const message = say('espresso and cake')
  await until(() => told().length === 1)
  revise({ ...message, content: 'espressos and cakes, please!' }, message.content)
  revise({ ...message, content: 'espresso and tarts' }, 'espressos and cakes, please!')
  await until(() => told().length === 2)
  t.same(told(), ['espresso,cake', 'tarts,espresso'], 'nobody hears of a list without espresso')
  t.match((await top(cafeId, 10)).details, [{ topic: 'tarts', messages: 1 }, { topic: 'espresso', messages: 1 }])
  await stop()
})

t.test('counting waits until the turn of the send is over, and for the store nobody waits', async t => {
  let asked = 0
  const { say, stop } = setUp(() => ({ add: () => { asked++; return Promise.resolve() }, claim: async () => ({}) }))
  say('espresso')
  await Promise.resolve()
  t.equal(asked, 0)
  await turn()
  t.equal(asked, 1)
  await stop()
})

t.test('what comes while the list is being claimed is not forgotten', async t => {
  let release = () => {}
  let claims = 0
  const { say, told, stop } = setUp(store => ({
    async claim (...args) {
      const claimed = await store.claim(...args)
      if (++claims === 1) await new Promise<void>(resolve => { release = resolve })
      return claimed
    }
  }))
  say('espresso')
  await until(() => claims === 1)
  say('cortado')
  await turn()
  await turn()
  t.equal(claims, 1, 'one at a time')
  release()
  await until(() => told().length === 2)
  t.equal(told()[0], 'espresso')
  t.same(told()[1]?.split(',').toSorted(), ['cortado', 'espresso'])
  await stop()
})

t.test('a store that fails', async t => {
  let away = true
  const fail = async () => { if (away) throw new Error('the store is away') }
  const { say, told, top, stop, warned, counted } = setUp(store => ({
    async add (...args) { await fail(); return store.add(...args) },
    async claim (...args) { await fail(); return store.claim(...args) },
    async top (...args) { await fail(); return store.top(...args) }
  }))
  say('espresso')
  await until(() => warned.length === 1)
  t.same(counted, ['hot_state_failures topics'])
  await t.rejects(top(cafeId, 10), { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  away = false
  say('cortado')
  await until(() => told().length === 1)
  t.same(told(), ['cortado'], 'it goes on with what comes next')
  await stop()
})

t.test('more than can be counted is left out', async t => {
  const { say, counted, told, stop } = setUp()
  for (let n = 0; n < 1100; n++) say('espresso')
  t.equal(counted.filter(name => name === 'hot_state_failures topics').length, 100)
  await until(() => told().length === 1)
  await stop()
  t.equal(counted.length, 100)
})

t.test('stopping leaves no timer behind, not even of a claim that is under way', async t => {
  const before = timers()
  let release = () => {}
  const { say, told, stop } = setUp(store => ({
    async claim (...args) {
      await new Promise<void>(resolve => { release = resolve })
      return store.claim(...args)
    }
  }))
  say('espresso')
  await turn()
  await turn()
  const stopped = stop()
  release()
  await stopped
  await turn()
  say('cortado')
  await turn()
  await turn()
  t.equal(timers(), before)
  t.same(told(), ['espresso'])

  const other = setUp()
  other.say('espresso')
  await until(() => other.told().length === 1)
  t.equal(timers(), before + 1, 'the word will fade in an hour')
  await other.stop()
  t.equal(timers(), before)
})

t.test('a node that is far behind stops all the same', async t => {
  let counted = 0
  const { say, stop } = setUp(() => ({
    async add () {
      counted++
      await new Promise(resolve => { setTimeout(resolve, 200) })
    }
  }))
  for (let n = 0; n < 1000; n++) say(`espresso ${n}`)
  const began = Date.now()
  await stop()
  t.ok(counted > 5 && counted < 500, `${counted} of 1000 messages were still counted`)
  t.ok(Date.now() - began < 10_000)
})

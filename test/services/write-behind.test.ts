import t, { type Test } from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import { createFeed } from '../../services/feed.ts'
import type { Appended, Change, RecentMessages } from '../../services/ports.ts'
import { createWriteBehind } from '../../services/write-behind.ts'
import { createMemoryState } from '../../stores/memory/index.ts'
import { until } from '../support/sockets.ts'
import { setUp as setUpLog } from '../stores/postgres/cast.ts'
import { createBuses, createListener, createWitness } from './cast.ts'

const SIZE = 3

/** Over a real log, and a list that can be away. */
async function setUp (t: Test) {
  const store = await setUpLog(t)
  const config = loadConfig({ CHAT_CACHE_SIZE: String(SIZE), CHAT_FEED_CHECK: '60000' })
  const witness = createWitness()
  const list = { away: false, writes: 0 }
  const { recent: real } = createMemoryState({ config, now: Date.now })
  const write = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => async (...args: A) => {
    list.writes++
    if (list.away) throw new Error('the list is away')
    return call(...args)
  }
  const recent: RecentMessages = { ...real, apply: write(real.apply), replace: write(real.replace) }
  const { buses: [bus] } = createBuses('here')
  const feed = createFeed({ log: store.log, recent: real, bus: bus!, broadcast: createListener().broadcast, ...witness }, config, Date.now)
  t.teardown(feed.stop)
  const writeBehind = createWriteBehind({ log: store.log, recent, ...witness }, feed, config)
  t.teardown(writeBehind.settle)
  const changeOf = (appended: Appended): Change => {
    if (appended.outcome !== 'created') throw new Error(appended.outcome)
    return { rev: appended.message.rev, kind: 'created', message: appended.message }
  }
  const say = async (content: string) => changeOf(await store.log.append(store.draft(content)))
  const contents = async () => (await real.read(store.cafe.id))?.messages.map(({ content }) => content)
  return { ...witness, cafe: store.cafe, feed, list, ...writeBehind, say, contents }
}

t.test('what could not be written is written when the list is back, although nobody says anything more', async t => {
  const { cafe, list, touch, say, contents, counted, warned } = await setUp(t)
  touch(cafe.id, [await say('one')])
  await until('it is written', async () => (await contents())?.length === 1)
  list.away = true
  touch(cafe.id, [await say('two')])
  touch(cafe.id, [await say('three')])
  await until('it was tried, and tried again', () => warned.length >= 2)
  t.same(await contents(), ['one'])
  t.same([...new Set(counted)], ['hot_state_failures recent'])
  list.away = false
  await until('it is mended', async () => (await contents())?.length === SIZE)
  t.same(await contents(), ['three', 'two', 'one'])
})

t.test('from memory, where the cafe is open', async t => {
  const { cafe, feed, list, touch, say, contents } = await setUp(t)
  await feed.open(cafe.id)
  list.away = true
  for (const content of ['one', 'two', 'three', 'four']) {
    const change = await say(content)
    feed.publish(cafe.id, [change])
    touch(cafe.id, [change])
  }
  await until('it was tried', () => list.writes > 0)
  list.away = false
  await until('it is mended', async () => (await contents())?.length === SIZE)
  t.same(await contents(), ['four', 'three', 'two'])
})

t.test('after the end nothing is tried again', async t => {
  const { cafe, list, touch, settle, say } = await setUp(t)
  list.away = true
  touch(cafe.id, [await say('one')])
  await settle()
  const { writes } = list
  await new Promise(resolve => { setTimeout(resolve, 1300) })
  t.equal(list.writes, writes)
})

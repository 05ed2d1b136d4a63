import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { listen } from '../support/build.ts'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { watchQueries } from '../support/queries.ts'
import { createDatabase, createTemplate, startRedis } from '../support/servers.ts'
import { ask, call, connect, guest, heard, openCafe, until } from '../support/sockets.ts'
import { migrate } from '../../stores/postgres/migrate.ts'

async function setUp (t: Test) {
  const redis = await startRedis(t)
  const proxy = await startProxy(t, redis.url)
  const DATABASE_URL = await createDatabase(t, await createTemplate('klatsch_migrated', migrate))
  const env = { DATABASE_URL, REDIS_URL: proxy.url, CHAT_FEED_CHECK: '60000', PRESENCE_HEARTBEAT: '60000', PRESENCE_LEASE: '300000' }
  const app = await listen(t, env)
  const ann = await guest(app, 'ann')
  const cafe = await openCafe(app, ann)
  return { app, env, ann, cafe, proxy }
}

/** Without the comparison with the heads, which comes by the clock: one query for all cafes that are open. */
const forRequests = (queries: string[]) => queries.filter(text => !text.includes('FROM cafe_heads WHERE cafe_id = ANY'))

/** Resolves when Redis has answered nothing for `ms`. */
async function untilQuiet (proxy: Proxy, ms: number): Promise<void> {
  let before = -1
  while (proxy.answers() !== before) {
    before = proxy.answers()
    await sleep(ms)
  }
}

/** How often an answer of Redis is waited for until `work` is done. */
async function countRounds (proxy: Proxy, work: () => Promise<unknown>): Promise<number> {
  proxy.hold()
  let done = false
  const working = work().then(() => { done = true })
  let rounds = 0
  await until('the work is done', async () => {
    // All that was asked together is answered together.
    await untilQuiet(proxy, 50)
    if (!done && proxy.release() > 0) rounds++
    return done
  })
  await working
  // What follows the work is answered too, or the next round would find a Redis that has just been silent.
  await untilQuiet(proxy, 50)
  proxy.release()
  return rounds
}

t.test('a join waits for Redis once, a typist when others begin to see them; who is there already does not', async t => {
  const { app, ann, cafe, proxy } = await setUp(t)
  const bob = await guest(app, 'bob')
  const [first, socket, tab] = [await connect(t, app, ann.token), await connect(t, app, bob.token), await connect(t, app, bob.token)]
  await ask(first, 'join:cafe', { cafeId: cafe.id })
  await untilQuiet(proxy, 600)
  const cafeId = cafe.id
  t.equal(await countRounds(proxy, () => ask(socket, 'join:cafe', { cafeId })), 1, 'presence and limits side by side')
  for (const again of [socket, tab]) t.equal(await countRounds(proxy, () => ask(again, 'join:cafe', { cafeId })), 0, 'coming back, and a second tab')
  t.equal(await countRounds(proxy, () => ask(socket, 'typing:start', { cafeId })), 1)
  for (const again of [socket, tab, socket]) t.equal(await countRounds(proxy, () => ask(again, 'typing:start', { cafeId })), 0, 'each further keystroke')
  t.equal(await countRounds(proxy, () => ask(socket, 'typing:stop', { cafeId })), 0)
})

t.test('a send costs one PostgreSQL call and at most two Redis round trips', async t => {
  const { app, ann, cafe, proxy } = await setUp(t)
  const socket = await connect(t, app, ann.token)
  await ask(socket, 'join:cafe', { cafeId: cafe.id })
  await ask(socket, 'message:send', { cafeId: cafe.id, content: 'warm up' })
  // What follows a commit (topics, the recent list) is not on the path of a send.
  await untilQuiet(proxy, 600)
  const queries = watchQueries(app)

  const rounds = await countRounds(proxy, () => ask(socket, 'message:send', { cafeId: cafe.id, content: 'measured' }))
  t.ok(rounds === 1 || rounds === 2, `${rounds} rounds of answers were waited for`)
  t.equal(queries.filter(text => /append_messages/.test(text)).length, 1)
  t.equal(forRequests(queries).length, 1)
})

t.test('a join of a cafe that is in memory asks PostgreSQL nothing', async t => {
  const { app, ann, cafe } = await setUp(t)
  const [bob, first] = await Promise.all([guest(app, 'bob'), connect(t, app, ann.token)])
  await ask(first, 'join:cafe', { cafeId: cafe.id })
  await ask(first, 'message:send', { cafeId: cafe.id, content: 'hello' })
  const second = await connect(t, app, bob.token)
  const queries = watchQueries(app)
  await ask(second, 'join:cafe', { cafeId: cafe.id })
  t.equal(heard(second, 'message:history')[0]!.messages.length, 1)
  await ask(second, 'join:cafe', { cafeId: cafe.id, since: 0 })
  t.equal(heard(second, 'message:history')[1]!.messages.length, 1)
  t.same(forRequests(queries), [])
})

t.test('a node that opens a cafe which Redis has asks PostgreSQL nothing before the join is answered', async t => {
  const { app, env, ann, cafe } = await setUp(t)
  const first = await connect(t, app, ann.token)
  await ask(first, 'join:cafe', { cafeId: cafe.id })
  for (const content of ['one', 'two', 'three']) await ask(first, 'message:send', { cafeId: cafe.id, content })
  const cold = await listen(t, env)
  await until('the list is written', async () => (await cold.stores.hot.recent.read(cafe.id))?.rev === 3)
  const socket = await connect(t, cold, ann.token)
  const queries = watchQueries(cold)
  const { rev } = await ask(socket, 'join:cafe', { cafeId: cafe.id })
  t.same(forRequests(queries), [])
  t.equal(rev, 3)
  t.same(heard(socket, 'message:history')[0]!.messages.map(({ content }) => content), ['three', 'two', 'one'])
})

t.test('a position too far back costs PostgreSQL nothing', async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off', CHAT_HISTORY_LIMIT: '5' })
  const ann = await guest(app, 'ann')
  const cafe = await openCafe(app, ann)
  const socket = await connect(t, app, ann.token)
  for (let n = 1; n <= 20; n++) await call(app, 'POST', `/api/chat/messages/${cafe.id}`, { token: ann.token, body: { content: `number ${n}` } })
  // The node remembers from here on what changes, and before it the newest messages.
  await ask(socket, 'join:cafe', { cafeId: cafe.id })
  const back = await connect(t, app, ann.token)
  const queries = watchQueries(app)
  t.match(await ask(back, 'join:cafe', { cafeId: cafe.id, since: 1 }), { recovered: false, rev: 20 })
  t.equal(heard(back, 'message:history')[0]!.messages.length, 5, 'a fresh page')
  t.same(forRequests(queries), [])
})

t.test('when nothing is wrong, healing costs one query for each interval, however many cafes are open', async t => {
  const app = await listen(t, { CHAT_FEED_CHECK: '200' })
  const ann = await guest(app, 'ann')
  const cafes = await Promise.all(Array.from({ length: 20 }, () => openCafe(app, ann)))
  const socket = await connect(t, app, ann.token)
  for (const { id } of cafes) await ask(socket, 'join:cafe', { cafeId: id })
  const queries = watchQueries(app)
  await sleep(1050)
  t.ok(queries.length >= 3 && queries.length <= 6, `${queries.length} queries in five intervals`)
  t.ok(queries.every(text => text.includes('cafe_heads')))

  queries.length = 0
  for (const { id } of cafes) await ask(socket, 'message:send', { cafeId: id, content: 'hello' })
  t.equal(forRequests(queries).length, 20, 'a send is one call, and nothing is read back')
})

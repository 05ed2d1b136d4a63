import t from 'tap'
import type { MessagePage } from '../../../schemas/messages.ts'
import type { CafeTopics } from '../../../schemas/topics.ts'
import { listen } from '../../support/build.ts'
import { startRedis } from '../../support/servers.ts'
import { ask, call, heard, once, refused, until } from '../../support/sockets.ts'
import { contents, enter, found, listenTwice, redisOf, visit } from './cast.ts'

const off = { CHAT_LIMITS: 'off' }

t.test('CHAT_MESSAGE_MAX_LENGTH', async t => {
  const app = await listen(t, { ...off, CHAT_MESSAGE_MAX_LENGTH: '10' })
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  t.match(heard(ann.socket, 'connected'), [{ limits: { maxLength: 10 } }])
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: '🥐'.repeat(10) }), { message: { content: '🥐'.repeat(10) } })
  t.match(await refused(ann.socket, 'message:send', { cafeId, content: 'x'.repeat(11) }), { code: 'CHAT_CONTENT_INVALID', details: [{ rule: 'maxLength' }] })
  await call(app, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body: { content: 'x'.repeat(11) }, status: 400 })

  const most = await listen(t, { ...off, CHAT_MESSAGE_MAX_LENGTH: '4000' })
  const bob = await enter(t, most, 'bob')
  const { id } = await found(most)
  await ask(bob.socket, 'join:cafe', { cafeId: id })
  t.match(await ask(bob.socket, 'message:send', { cafeId: id, content: '🥐'.repeat(4000) }), { message: { seq: 1 } }, 'the most that it may say is what the database takes')
})

t.test('CHAT_HISTORY_LIMIT', async t => {
  const app = await listen(t, { ...off, CHAT_HISTORY_LIMIT: '3' })
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  t.match(heard(ann.socket, 'connected'), [{ limits: { historyLimit: 3 } }])
  for (let n = 1; n <= 4; n++) await ask(ann.socket, 'message:send', { cafeId, content: `message ${n}` })
  const bob = await visit(t, app, 'bob', cafeId)
  t.same(heard(bob.socket, 'message:history')[0]!.messages.map(({ seq }) => seq), [4, 3, 2], 'what a join begins with')
  t.match(await call<MessagePage>(app, 'GET', `/api/chat/messages/${cafeId}`, { token: ann.token }), { limit: 3, total: 4, messages: { length: 3 } }, 'and a page of REST')
})

t.test('CHAT_CACHE_SIZE', async t => {
  const { one, two } = await listenTwice(t, { ...off, CHAT_CACHE_SIZE: '4', CHAT_HISTORY_LIMIT: '2' })
  const { id: cafeId } = await found(one)
  const ann = await visit(t, one, 'ann', cafeId)
  for (let n = 1; n <= 6; n++) await ask(ann.socket, 'message:send', { cafeId, content: `message ${n}` })
  const list = async () => (await redisOf(one).lrange(`cafe:${cafeId}:messages`, 0, -1)).map(text => JSON.parse(text).seq as number)
  await until('the newest is in the list', async () => (await list())[0] === 6)
  t.same(await list(), [6, 5, 4, 3], 'so many in Redis')
  t.equal(one.services.feed.ring(cafeId)?.newest(100).length, 4, 'and in the memory of a node')
  const bob = await visit(t, two, 'bob', cafeId)
  t.equal(heard(bob.socket, 'message:history')[0]?.messages.length, 2, 'it is not what a join begins with')
})

t.test('CHAT_TYPING_TIMEOUT', async t => {
  const app = await listen(t, { CHAT_TYPING_TIMEOUT: '200' })
  const { id: cafeId } = await found(app)
  const [ann, bob] = [await visit(t, app, 'ann', cafeId), await visit(t, app, 'bob', cafeId)]
  t.match(heard(ann.socket, 'connected'), [{ limits: { typingTimeoutMs: 200 } }])
  const [began, ceased] = [once(ann.socket, 'typing:indicator', ({ isTyping }) => isTyping), once(ann.socket, 'typing:indicator', ({ isTyping }) => !isTyping)]
  await ask(bob.socket, 'typing:start', { cafeId })
  await began
  const start = Date.now()
  await ceased
  const took = Date.now() - start
  t.ok(took > 100 && took < 1500, `it ended by itself after ${took} ms`)
})

t.test('TOPIC_MIN_WORD_LENGTH', async t => {
  for (const [length, topics] of [['3', ['tea', 'espresso']], ['9', []]] as const) {
    const app = await listen(t, { TOPIC_MIN_WORD_LENGTH: length })
    const { id: cafeId } = await found(app)
    const ann = await visit(t, app, 'ann', cafeId)
    await ask(ann.socket, 'message:send', { cafeId, content: 'tea espresso' })
    await ask(ann.socket, 'message:send', { cafeId, content: 'cappuccino' })
    const read = async () => (await call<CafeTopics>(app, 'GET', `/api/chat/topics/${cafeId}`, { token: ann.token })).topics
    await until('both are counted', async () => (await read()).includes('cappuccino'))
    t.same(new Set(await read()), new Set([...topics, 'cappuccino']), `of ${length} letters`)
  }
})

t.test('TOPIC_MAX_TOPICS', async t => {
  const app = await listen(t, { ...off, TOPIC_MAX_TOPICS: '2' })
  const { id: cafeId } = await found(app)
  const [ann, bob] = [await visit(t, app, 'ann', cafeId), await visit(t, app, 'bob', cafeId)]
  await ask(ann.socket, 'message:send', { cafeId, content: 'espresso cortado lungo macchiato' })
  await ask(bob.socket, 'message:send', { cafeId, content: 'lungo macchiato' })
  const read = async () => (await call<CafeTopics>(app, 'GET', `/api/chat/topics/${cafeId}?limit=50`, { token: ann.token })).topics
  await until('both count', async () => (await read()).join() === 'macchiato,lungo')
  await until('both are told', () => heard(ann.socket, 'topics:update').at(-1)?.topics.join() === 'macchiato,lungo')
  t.ok(heard(ann.socket, 'topics:update').every(({ topics }) => topics.length <= 2))
})

t.test('TOPIC_EXPIRY_SECONDS', async t => {
  const app = await listen(t, { TOPIC_EXPIRY_SECONDS: '1' })
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  const told = once(ann.socket, 'topics:update', ({ topics }) => topics.length === 1)
  const faded = once(ann.socket, 'topics:update', ({ topics }) => topics.length === 0)
  await ask(ann.socket, 'message:send', { cafeId, content: 'espresso' })
  await told
  const start = Date.now()
  await faded
  t.ok(Date.now() - start < 2500, `gone after ${Date.now() - start} ms`)
  t.same((await call<CafeTopics>(app, 'GET', `/api/chat/topics/${cafeId}`, { token: ann.token })).topics, [])
})

t.test('PG_POOL_SIZE', async t => {
  for (const [env, size] of [[{}, 20], [{ PG_POOL_SIZE: '3' }, 3]] as const) {
    const app = await listen(t, env)
    const { pool } = app.pg
    const held = await Promise.all(Array.from({ length: size }, () => pool.connect()))
    let got = false
    const next = pool.connect().then(client => { got = true; return client })
    const { rows } = await held[0]!.query('SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1', ['klatsch'])
    t.equal(rows[0].n, size, `${size} connections at the server`)
    t.match({ total: pool.totalCount, waiting: pool.waitingCount, got }, { total: size, waiting: 1, got: false }, 'one more waits')
    t.match(await call(app, 'GET', '/health/live'), { status: 'alive' }, 'and the node lives')
    held.pop()!.release()
    held.push(await next)
    t.ok(got, 'until one is free')
    for (const client of held) client.release()
  }
})

t.test('REDIS_POOL_SIZE', async t => {
  for (const [env, size] of [[{}, 10], [{ REDIS_POOL_SIZE: '4' }, 4]] as const) {
    const redis = await startRedis(t)
    const app = await listen(t, { ...env, REDIS_URL: redis.url })
    const { id: cafeId } = await found(app)
    const ann = await visit(t, app, 'ann', cafeId)
    await ask(ann.socket, 'message:send', { cafeId, content: 'espresso' })
    const clients = String(await redisOf(app).client('LIST')).trim().split('\n')
    t.equal(clients.length, size)
    t.same(clients.filter(line => !line.includes('name=klatsch-')), [], 'all of them say whose they are')
  }
})

t.test('what is in Redis can be read as specified', async t => {
  const { one, two } = await listenTwice(t)
  const { id: cafeId } = await found(one)
  const ann = await visit(t, one, 'ann', cafeId)
  const bob = await visit(t, two, 'bob', cafeId)
  const { message } = await ask(ann.socket, 'message:send', { cafeId, content: 'espresso' })
  const second = await ask(bob.socket, 'message:send', { cafeId, content: 'espresso cortado' })
  await ask(bob.socket, 'presence:update', { status: 'busy' })
  const client = redisOf(one)
  await until('all of it is written', async () => (await client.zcard(`cafe:${cafeId}:topics`)) === 2 && (await client.llen(`cafe:${cafeId}:messages`)) === 2)

  const page = await call<MessagePage>(one, 'GET', `/api/chat/messages/${cafeId}`, { token: ann.token })
  const texts = await client.lrange(`cafe:${cafeId}:messages`, 0, -1)
  t.same(texts.map(text => JSON.parse(text)), page.messages, 'LIST: newest first, JSON that equals the REST shape')
  t.same(page.messages, [second.message, message])
  t.same(new Set(await client.smembers(`cafe:${cafeId}:users`)), new Set([ann.user.id, bob.user.id]), 'SET of user ids')
  t.same(await client.zrevrange(`cafe:${cafeId}:topics`, 0, 9), ['espresso', 'cortado'], 'ZSET: the highest score is what is talked about most')
  t.match(await client.hgetall(`user:${ann.user.id}:presence`), { status: 'online', cafeId, lastSeen: /^\d{13}$/ }, 'HASH')
  t.match(await client.hgetall(`user:${bob.user.id}:presence`), { status: 'busy', cafeId })
  const types = Object.fromEntries(await Promise.all(['messages', 'users', 'topics'].map(async part => [part, await client.type(`cafe:${cafeId}:${part}`)] as const)))
  t.same(types, { messages: 'list', users: 'set', topics: 'zset' })
  t.notMatch(JSON.stringify(await contents(client)), new RegExp(ann.token.slice(-20)), 'no token is among it')
})

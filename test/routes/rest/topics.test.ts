import t from 'tap'
import type { CafeTopics } from '../../../schemas/topics.ts'
import { build } from '../../support/build.ts'
import { until } from '../../support/sockets.ts'
import { enter, open, unknownId } from './client.ts'

t.test('GET: what most people talk about first', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const bob = await enter(app, 'bob')
  const cafe = await open(app)
  const url = `/api/chat/topics/${cafe.id}`
  const topics = async (query = '') => (await ann.get(url + query)).json<CafeTopics>().topics

  const empty = await ann.get(url)
  t.equal(empty.statusCode, 200)
  t.strictSame(empty.json(), { cafeId: cafe.id, topics: [], details: [] })

  await ann.post(`/api/chat/messages/${cafe.id}`, { content: 'Espresso, please!' })
  await bob.post(`/api/chat/messages/${cafe.id}`, { content: 'One espresso and some biscotti' })
  await until('both words are topics', async () => {
    const words = await topics()
    return words.includes('biscotti') && words[0] === 'espresso'
  })
  t.strictSame(await topics('?limit=1'), ['espresso'])
  const { topics: names, details } = (await ann.get(url)).json<CafeTopics>()
  t.strictSame(details.map(({ topic }) => topic), names, 'the details are of the same topics, in the same order')
  t.match(details[0], { topic: 'espresso', messages: 2 })
  t.ok(details[0]!.score > 1.99 && details[0]!.score <= 2)

  const many = Array.from({ length: 15 }, (_, number) => `word${'abcdefghijklmno'[number]!.repeat(4)}`)
  await ann.post(`/api/chat/messages/${cafe.id}`, { content: many.join(' ') })
  await until('ten unless asked otherwise', async () => (await topics()).length === 10)
  t.ok((await topics('?limit=100')).length > 10)
})

t.test('GET: bad input', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/topics/${cafe.id}`
  for (const query of ['limit=0', 'limit=101', 'limit=1.5', 'limit=-1']) {
    t.match((await ann.get(`${url}?${query}`)).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'limit' }] }, query)
  }
  t.match((await ann.get('/api/chat/topics/5')).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'cafeId', rule: 'format' }] })
  const unknown = await ann.get(`/api/chat/topics/${unknownId}`)
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.equal((await app.inject({ url })).statusCode, 401)
})

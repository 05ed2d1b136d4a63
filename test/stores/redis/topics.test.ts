import t from 'tap'
import { createTopics } from '../../../stores/redis/topics.ts'
import { newId, until } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { openState } from './state.ts'

const { url } = await startRedis(t)
const { topics, clients, data, config } = await openState(t, url, { env: { TOPIC_MAX_TOPICS: '3', TOPIC_EXPIRY_SECONDS: '3600' } })
const redis = clients.data[0]!
const key = (cafe: string) => `cafe:${cafe}:topics`
const HALF = config.topics.expiry / 4

t.test('a ZSET of words, the strongest with the highest score', async t => {
  const cafe = newId()
  const at = Date.now()
  await topics.add(cafe, { messageId: 'm1', userId: 'ann', words: ['coffee', 'cake'], at })
  await topics.add(cafe, { messageId: 'm2', userId: 'bob', words: ['coffee'], at })
  t.strictSame(await redis.zrevrange(key(cafe), 0, -1), ['coffee', 'cake'])
  const [coffee, cake] = await Promise.all(['coffee', 'cake'].map(async word => Number(await redis.zscore(key(cafe), word))))
  t.ok(Math.abs(cake! - at / HALF) < 1e-6)
  t.ok(Math.abs(coffee! - cake! - 1) < 1e-6, 'twice as much is one more')
})

t.test('every key ends by itself', async t => {
  const short = createTopics(data, { minWordLength: 4, maxTopics: 3, expiry: 400 })
  const cafe = newId()
  const mine = async () => (await redis.keys(`cafe:${cafe}:*`)).sort()
  await short.add(cafe, { messageId: 'm1', userId: 'ann', words: ['coffee'], at: Date.now() })
  t.strictSame((await short.claim(cafe, 10, Date.now())).topics, ['coffee'])
  t.strictSame(await mine(), [key(cafe), `${key(cafe)}:said:coffee`, `${key(cafe)}:shown`])
  await until(async () => (await short.top(cafe, 10, Date.now())).length === 0)
  await until(async () => (await mine()).length === 0)
  t.pass('nothing is left')
})

t.test('the list lives until its strongest word has faded, not shorter', async t => {
  const cafe = newId()
  const at = Date.now()
  for (let index = 0; index < 16; index++) await topics.add(cafe, { messageId: `m${index}`, userId: `user${index}`, words: ['coffee'], at })
  await topics.add(cafe, { messageId: 'm', userId: 'ann', words: ['cake'], at: at - 10 * HALF })
  t.ok(await redis.pttl(key(cafe)) > 8 * HALF, 'sixteen people: four half-lives more')
})

t.test('a forgotten word forgets who said it', async t => {
  const cafe = newId()
  for (let index = 0; index < 20; index++) await topics.add(cafe, { messageId: `m${index}`, userId: 'ann', words: [`word${index}`], at: index * 1000 })
  t.equal(await redis.zcard(key(cafe)), 12)
  t.equal((await redis.keys(`${key(cafe)}:said:*`)).length, 12)
})

t.test('a word that never rests does not remember everybody', async t => {
  const cafe = newId()
  const said = `${key(cafe)}:said:coffee`
  const everybody = Array.from({ length: 300 }, (_, index) => `user${index}`)
  await Promise.all(everybody.map(userId => topics.add(cafe, { messageId: `m ${userId}`, userId, words: ['coffee'], at: 0 })))
  t.equal(await redis.hlen(said), 300)
  const later = config.topics.expiry + 1000
  for (let index = 0; index < 200; index++) await topics.add(cafe, { messageId: `n${index}`, userId: `other${index}`, words: ['coffee'], at: later })
  t.ok(await redis.hlen(said) < 300, 'those who are long past go')
})

t.test('a list that Redis lost starts anew, whoever had said its words', async t => {
  const cafe = newId()
  await topics.add(cafe, { messageId: 'm1', userId: 'ann', words: ['coffee'], at: 1000 })
  await redis.del(key(cafe))
  await topics.remove(cafe, { messageId: 'm1', userId: 'ann', words: ['coffee'] })
  t.equal(await redis.exists(key(cafe)), 0)
  await topics.add(cafe, { messageId: 'm1', userId: 'ann', words: ['coffee'], at: 1000 })
  await redis.del(key(cafe))
  await topics.add(cafe, { messageId: 'm2', userId: 'ann', words: ['coffee'], at: 2000 })
  t.strictSame(await topics.top(cafe, 10, 2000), ['coffee'])
})

import t from 'tap'
import { createTopics } from '../../../stores/redis/topics.ts'
import { newId, until, wordsOf } from '../../contracts/cast.ts'
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
  await topics.add(cafe, { messageId: 'm1', userId: 'ann', words: wordsOf('coffee', 'cake'), at })
  await topics.add(cafe, { messageId: 'm2', userId: 'bob', words: wordsOf('coffee'), at })
  t.strictSame(await redis.zrevrange(key(cafe), 0, -1), ['coffee', 'cake'])
  const [coffee, cake] = await Promise.all(['coffee', 'cake'].map(async word => Number(await redis.zscore(key(cafe), word))))
  t.ok(Math.abs(cake! - at / HALF) < 1e-6)
  t.ok(Math.abs(coffee! - cake! - 1) < 1e-6, 'twice as much is one more')
})

t.test('every key ends by itself', async t => {
  const short = createTopics(data, { minWordLength: 4, maxTopics: 3, expiry: 400 })
  const cafe = newId()
  const mine = async () => (await redis.keys(`cafe:${cafe}:*`)).sort()
  await short.add(cafe, { messageId: 'm1', userId: 'ann', words: wordsOf('coffee'), at: Date.now() })
  t.strictSame((await short.claim(cafe, 10, Date.now())).topics, ['coffee'])
  t.strictSame(await mine(), [key(cafe), ...['last', 'messages:coffee', 'said:coffee', 'shown', 'words'].map(part => `${key(cafe)}:${part}`)])
  await until(async () => (await short.top(cafe, 10, Date.now())).length === 0)
  await until(async () => (await mine()).length === 0)
  t.pass('nothing is left')
})

t.test('keys are bounded, by words and for each word', async t => {
  const cafe = newId()
  for (let index = 0; index < 20; index++) await topics.add(cafe, { messageId: `m${index}`, userId: 'ann', words: wordsOf(`word${index}`), at: index * 1000 })
  t.strictSame(await Promise.all([redis.zcard(key(cafe)), redis.zcard(`${key(cafe)}:last`), redis.hlen(`${key(cafe)}:words`)]), [12, 12, 24])
  for (const part of ['said', 'messages']) t.equal((await redis.keys(`${key(cafe)}:${part}:*`)).length, 12, part)
  for (let index = 0; index < 600; index++) await topics.add(cafe, { messageId: `n${index}`, userId: `user${index}`, words: wordsOf('coffee'), at: 20_000 })
  t.equal(await redis.zcard(`${key(cafe)}:messages:coffee`), 500)
  t.equal(await redis.hlen(`${key(cafe)}:said:coffee`), 500)
  const later = 20_000 + config.topics.expiry + 1
  await topics.add(cafe, { messageId: 'm', userId: 'bob', words: wordsOf('tea'), at: later })
  t.strictSame((await redis.keys(`${key(cafe)}*`)).sort(), [key(cafe), ...['last', 'messages:tea', 'said:tea', 'words'].map(part => `${key(cafe)}:${part}`)], 'what faded is gone')
})

t.test('one round trip each', async t => {
  const cafe = newId()
  const calls = async (task: () => Promise<unknown>) => {
    const count = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1])
    const before = await count()
    await task()
    return await count() - before
  }
  const mention = { messageId: 'm', userId: 'ann', words: wordsOf('coffee', 'cake'), at: 1000 }
  await topics.add(cafe, mention)
  t.equal(await calls(() => topics.add(cafe, { ...mention, messageId: 'n' })), 1)
  await topics.top(cafe, 10, 1000)
  t.equal(await calls(() => topics.top(cafe, 10, 1000)), 1)
  await topics.remove(cafe, mention)
  t.equal(await calls(() => topics.remove(cafe, { ...mention, messageId: 'n' })), 1)
})

t.test('whichever key Redis loses, it begins anew and grows no further', async t => {
  const at = 1000
  const parts = ['', ':last', ':words', ':said:coffee', ':messages:coffee']
  for (const part of parts) {
    const cafe = newId()
    for (const userId of ['ann', 'bob']) await topics.add(cafe, { messageId: `m ${userId}`.replace(' ', ''), userId, words: wordsOf('coffee'), at })
    await redis.del(`${key(cafe)}${part}`)
    await topics.remove(cafe, { messageId: 'mbob', userId: 'bob', words: wordsOf('coffee') })
    await redis.del(`${key(cafe)}${part}`)
    await topics.add(cafe, { messageId: 'mcem', userId: 'cem', words: wordsOf('coffee'), at })
    t.strictSame(await topics.top(cafe, 10, at), [{ topic: 'coffee', score: 1, messages: 1 }], part)
    t.strictSame((await redis.keys(`${key(cafe)}*`)).sort(), parts.map(part => `${key(cafe)}${part}`).sort())
  }
})

t.test('a list that Redis lost starts anew, whoever had said its words', async t => {
  const cafe = newId()
  await topics.add(cafe, { messageId: 'm1', userId: 'ann', words: wordsOf('coffee'), at: 1000 })
  await redis.del(key(cafe))
  await topics.remove(cafe, { messageId: 'm1', userId: 'ann', words: wordsOf('coffee') })
  t.equal(await redis.exists(key(cafe)), 0)
  await topics.add(cafe, { messageId: 'm1', userId: 'ann', words: wordsOf('coffee'), at: 1000 })
  await redis.del(key(cafe))
  await topics.add(cafe, { messageId: 'm2', userId: 'ann', words: wordsOf('coffee'), at: 2000 })
  t.strictSame(await topics.top(cafe, 10, 2000), [{ topic: 'coffee', score: 1, messages: 1 }])
})

import t from 'tap'
import { created, logOf, createRandom, deleted, messageOf, newestAt, newId, tombstoneOf } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { openState } from './state.ts'

const { url } = await startRedis(t)
const { recent, clients, counted } = await openState(t, url, { env: { CHAT_CACHE_SIZE: '5' } })
const redis = clients.data[0]!
const list = (cafe: string) => `cafe:${cafe}:messages`
const rev = (cafe: string) => `cafe:${cafe}:rev`

/** A cafe with seven messages, five of them kept. */
async function fill () {
  const cafe = newId()
  const log = Array.from({ length: 7 }, (_, index) => created(messageOf(cafe, index + 1, index + 1)))
  await recent.apply(cafe, log)
  return { cafe, log }
}

t.test('the LIST is newest first and holds JSON as in REST', async t => {
  const { cafe, log } = await fill()
  t.strictSame(await redis.lrange(list(cafe), 0, -1), newestAt(log, 7, 5).map(message => JSON.stringify(message)))
  t.equal(await redis.get(rev(cafe)), '7 7')
  const gone = tombstoneOf(log[5]!.message, 8)
  await recent.apply(cafe, [deleted(gone)])
  t.equal(await redis.lindex(list(cafe), 1), JSON.stringify(gone))
  t.equal(await redis.get(rev(cafe)), '8 7')
})

t.test('both keys are forgotten a day after the last write', async t => {
  const { cafe, log } = await fill()
  const day = 24 * 3600 * 1000
  const lives = async () => Promise.all([redis.pttl(list(cafe)), redis.pttl(rev(cafe))])
  for (const life of await lives()) t.ok(life > day - 5000 && life <= day)
  await redis.pexpire(list(cafe), 1000)
  await recent.replace(cafe, 7, newestAt(log, 7, 5))
  for (const life of await lives()) t.ok(life > day - 5000, 'renewed')
})

t.test('whatever is not whole is absent, and gone', async t => {
  const damages: Record<string, (cafe: string) => Promise<unknown>> = {
    'the list is gone': cafe => redis.del(list(cafe)),
    'its rev is gone': cafe => redis.del(rev(cafe)),
    'its rev is no number': cafe => redis.set(rev(cafe), 'seven 7'),
    'its rev is of another type': async cafe => { await redis.del(rev(cafe)); await redis.sadd(rev(cafe), '7 7') },
    'the list is of another type': async cafe => { await redis.del(list(cafe)); await redis.set(list(cafe), 'x') },
    'one is missing': cafe => redis.rpop(list(cafe)),
    'there is one more': cafe => redis.lpush(list(cafe), '{}')
  }
  for (const [what, damage] of Object.entries(damages)) {
    for (const use of [(cafe: string) => recent.read(cafe), (cafe: string) => recent.apply(cafe, [created(messageOf(cafe, 8, 8))])]) {
      const { cafe } = await fill()
      await damage(cafe)
      t.equal(await use(cafe), null, what)
      t.equal(await redis.exists(list(cafe), rev(cafe)), 0, `${what}: gone`)
    }
  }
  const entries: Record<string, (cafe: string) => unknown> = {
    'of another cafe': () => messageOf(newId(), 5, 5),
    'another message': cafe => messageOf(cafe, 4, 5),
    'no message': () => [],
    'without its name': cafe => ({ ...messageOf(cafe, 5, 5), username: undefined }),
    'not JSON': () => undefined
  }
  for (const [what, entry] of Object.entries(entries)) {
    const { cafe } = await fill()
    await redis.lset(list(cafe), 2, JSON.stringify(entry(cafe)) ?? '{"id":')
    t.equal(await recent.read(cafe), null, what)
    t.equal(await redis.exists(list(cafe), rev(cafe)), 0, `${what}: gone`)
  }
  const { cafe, log } = await fill()
  await redis.lset(list(cafe), 0, '5')
  t.equal(await recent.apply(cafe, [deleted(tombstoneOf(log[6]!.message, 8))]), null, 'a step onto a damaged entry')
  t.equal(await redis.exists(list(cafe), rev(cafe)), 0)
})

t.test('a damaged list is replaced by one of the same rev', async t => {
  const { cafe, log } = await fill()
  await redis.lset(list(cafe), 2, '{}')
  await recent.replace(cafe, 7, newestAt(log, 7, 5))
  t.strictSame(await recent.read(cafe), { rev: 7, messages: newestAt(log, 7, 5) })
})

t.test('fields of a newer node come through', async t => {
  const cafe = newId()
  const message = { ...messageOf(cafe, 1, 1), mood: 'sunny' }
  await recent.apply(cafe, [created(message)])
  t.strictSame((await recent.read(cafe))?.messages, [message])
})

t.test('hits and misses are counted', async t => {
  const before = { hits: counted('cache_hits'), misses: counted('cache_misses') }
  const { cafe } = await fill()
  await recent.read(cafe)
  await recent.read(newId())
  await redis.lset(list(cafe), 2, '{}')
  await recent.read(cafe)
  t.strictSame({ hits: counted('cache_hits') - before.hits, misses: counted('cache_misses') - before.misses }, { hits: 1, misses: 2 })
})

t.test('a store whose scripts were flushed goes on', async t => {
  const { cafe } = await fill()
  await redis.script('FLUSH')
  t.equal(await recent.apply(cafe, [created(messageOf(cafe, 8, 8))]), 8)
  t.equal((await recent.read(cafe))?.rev, 8)
})

t.test('a smaller CHAT_CACHE_SIZE than that of who wrote: absent, and started anew', async t => {
  const { recent: small } = await openState(t, url, { env: { CHAT_CACHE_SIZE: '3' } })
  const cafe = newId()
  const log = logOf(cafe, 20, createRandom(5))
  await recent.apply(cafe, log)
  t.equal(await small.read(cafe), null)
  t.equal(await small.apply(cafe, log), 20)
  t.strictSame((await small.read(cafe))?.messages, newestAt(log, 20, 3))
})

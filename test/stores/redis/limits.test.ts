import { RateLimiterRedis } from 'rate-limiter-flexible'
import t from 'tap'
import { createBuckets } from '../../../stores/memory/limits.ts'
import { newId, until } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { openState } from './state.ts'

const env = { CHAT_USER_RATE: '3', CHAT_CAFE_RATE: '100', CHAT_REPEAT_WINDOW: '5000' }

t.test('counters are named, and end with their window', async t => {
  const { url } = await startRedis(t)
  const { limits, repeats, clients } = await openState(t, url, { env })
  const redis = clients.data[0]!
  const [user, cafe] = [newId(), newId()]
  await limits.take(user, cafe)
  await repeats.check(user, cafe, 'digest', 'c 1')
  t.strictSame((await redis.keys('*')).sort(), [`klatsch:limit:cafe:${cafe}`, `klatsch:limit:user:${user}`, `klatsch:repeat:${user}:${cafe}`].sort())
  t.equal(await redis.get(`klatsch:limit:user:${user}`), '1')
  for (const [key, most] of [[`klatsch:limit:user:${user}`, 10_000], [`klatsch:repeat:${user}:${cafe}`, 5000]] as const) {
    const life = await redis.pttl(key)
    t.ok(life > most - 2000 && life <= most)
  }
  await redis.persist(`klatsch:limit:user:${user}`)
  await limits.take(user, cafe)
  t.ok(await redis.pttl(`klatsch:limit:user:${user}`) > 0, 'a counter without an end gets one')
})

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  t.test(`without Redis (${signal}) the process counts for itself, soon without waiting`, async t => {
    const server = await startRedis(t)
    const { limits, repeats, clients, counted, reports } = await openState(t, server.url, { env })
    const [user, cafe] = [newId(), newId()]
    await limits.take(user, cafe)
    await repeats.check(user, cafe, 'aaa')
    server.kill(signal)

    const first = Date.now()
    t.equal(await limits.take(user, cafe), 0)
    t.ok(Date.now() - first < 1500)
    await limits.giveBack(user, cafe)
    await until(() => clients.data.every(({ status }) => status !== 'ready') || !touch())
    const start = Date.now()
    const waits: number[] = []
    for (let index = 0; index < 5; index++) waits.push(await limits.take(user, cafe))
    t.equal(waits.filter(ms => ms === 0).length, 3, 'a bucket of its own')
    const checks = [await repeats.check(user, cafe, 'bbb'), await repeats.check(user, cafe, 'bbb'), await repeats.check(user, cafe, 'bbb', 'x')]
    t.match(checks, [0, Number, Number])
    t.ok(checks[1]! > 0)
    await repeats.forget(user, cafe, 'bbb')
    t.equal(await repeats.check(user, cafe, 'bbb'), 0)
    t.ok(Date.now() - start < 1000, 'nine calls, which would wait for three seconds')
    t.ok(counted('hot_state_failures', 'repeats') > 0)
    t.ok(reports.some(({ what }) => what === 'repeated content'))

    if (signal === 'SIGKILL') await server.restart()
    else server.kill('SIGCONT')
    await until(() => clients.data.every(({ status }) => status === 'ready'))
    const other = newId()
    await limits.take(other, cafe)
    t.equal(await clients.data[0]!.get(`klatsch:limit:user:${other}`), '1', 'Redis counts again')

    // Commands keep every lane busy, so that each notices the silence.
    function touch () {
      for (const client of clients.data) client.ping().catch(() => {})
      return true
    }
  })
}

t.test('a bucket that fails lets pass, and says so', async t => {
  const { url } = await startRedis(t)
  const { clients, reporter, reports } = await openState(t, url)
  await clients.close()
  const bucket = new RateLimiterRedis({ storeClient: clients.data[0], points: 1, duration: 10 })
  const limits = createBuckets(bucket, bucket, reporter)
  t.equal(await limits.take(newId(), newId()), 0)
  await limits.giveBack(newId(), newId())
  t.strictSame(reports.map(({ what }) => what), ['rate limit', 'rate limit', 'give back to the rate limit'])
})

t.test('a counter that somebody made something else of lets pass', async t => {
  const { url } = await startRedis(t)
  const { limits, clients } = await openState(t, url, { env })
  const [user, cafe] = [newId(), newId()]
  await clients.data[0]!.sadd(`klatsch:limit:user:${user}`, 'x')
  t.equal(await limits.take(user, cafe), 0)
  await limits.giveBack(user, cafe)
})

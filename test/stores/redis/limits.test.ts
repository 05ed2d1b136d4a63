import t from 'tap'
import { limitOf } from '../../../stores/redis/keys.ts'
import { newId, until } from '../../contracts/cast.ts'
import { take } from '../../contracts/limits.ts'
import { startRedis } from '../../support/servers.ts'
import { openState } from './state.ts'

// So few that nothing comes back while a test looks.
const env = { CHAT_USER_RATE: '3', CHAT_CAFE_RATE: '100', CHAT_REPEAT_WINDOW: '5000' }

t.test('buckets are named, and end when they are full again', async t => {
  const { url } = await startRedis(t)
  const { limits, repeats, clients } = await openState(t, url, { env: { ...env, CHAT_CAFE_RATE: '5', CHAT_JOIN_USER_RATE: '3', CHAT_JOIN_CAFE_RATE: '3' } })
  const redis = clients.data[0]!
  const [user, cafe] = [newId(), newId()]
  await take(limits, 'send', { userId: user, places: [cafe] })
  await take(limits, 'join', { userId: user, places: [cafe] })
  await repeats.check(user, cafe, 'digest', 'c 1')
  t.strictSame((await redis.keys('*')).sort(), [
    `klatsch:limit:send:user:${user}`, `klatsch:limit:send:cafe:${cafe}`, `klatsch:limit:join:user:${user}`, `klatsch:limit:join:cafe:${cafe}`,
    `klatsch:repeat:${user}:${cafe}`
  ].sort())
  // One of three in ten seconds, one of five.
  for (const [key, most] of [[`klatsch:limit:send:user:${user}`, 3334], [`klatsch:limit:send:cafe:${cafe}`, 2000]] as const) {
    const life = await redis.pttl(key)
    t.ok(life > most - 1500 && life <= most, `${key}: ${life}`)
  }
  t.ok(await redis.pttl(`klatsch:repeat:${user}:${cafe}`) > 3000)
  await until(async () => (await redis.keys('klatsch:limit:*')).length === 0)
  t.pass('nobody needs to clear them away')
})

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  t.test(`without Redis (${signal}) the process counts for itself, soon without waiting`, async t => {
    const server = await startRedis(t)
    const { limits, repeats, clients, counted, reports } = await openState(t, server.url, { env })
    const [user, cafe] = [newId(), newId()]
    const spender = { userId: user, places: [cafe] }
    t.equal(await take(limits, 'send', spender), undefined)
    await repeats.check(user, cafe, 'aaa')
    server.kill(signal)

    const first = Date.now()
    t.equal(await take(limits, 'send', spender), undefined)
    t.ok(Date.now() - first < 1500)
    await until(() => clients.data.every(({ status }) => status !== 'ready') || !touch())
    const start = Date.now()
    const others = Array.from({ length: 6 }, newId)
    for (const action of ['send', 'join', 'typing', 'presence'] as const) {
      for (const userId of others) t.equal(await take(limits, action, { userId, places: [cafe] }), undefined, 'nobody is refused because Redis is away')
    }
    const shortages = []
    for (let index = 0; index < 5; index++) shortages.push(await take(limits, 'send', { userId: others[0]!, places: [cafe] }))
    t.strictSame(shortages.map(shortage => shortage === undefined), [true, true, false, false, false], 'three, as ever')
    t.match(shortages[2], { of: 'user', waitMs: Number })
    const checks = [await repeats.check(user, cafe, 'bbb'), await repeats.check(user, cafe, 'bbb'), await repeats.check(user, cafe, 'bbb', 'x')]
    t.match(checks, [0, Number, Number])
    t.ok(checks[1]! > 0)
    await repeats.forget(user, cafe, 'bbb')
    t.equal(await repeats.check(user, cafe, 'bbb'), 0)
    await limits.giveBack('send', { userId: others[0]!, places: [cafe] })
    t.equal(await take(limits, 'send', { userId: others[0]!, places: [cafe] }), undefined)
    t.ok(Date.now() - start < 2000, 'forty calls, which would wait for twelve seconds')
    for (const part of ['limits', 'repeats']) t.ok(counted('hot_state_failures', part) > 0, part)
    t.ok(reports.some(({ what }) => what === 'repeated content') && reports.some(({ what }) => what === 'limits'))

    if (signal === 'SIGKILL') await server.restart()
    else server.kill('SIGCONT')
    await until(() => clients.data.every(({ status }) => status === 'ready'))
    const other = newId()
    await until(async () => await take(limits, 'send', { userId: other }) === undefined && await clients.data[0]!.exists(limitOf('send', 'user', other)) === 1)
    t.pass('Redis counts again')

    // Commands keep every lane busy, so that each notices the silence.
    function touch () {
      for (const client of clients.data) client.ping().catch(() => {})
      return true
    }
  })
}

t.test('an outage is no fresh start: what a node has let pass before counts on', async t => {
  const server = await startRedis(t)
  const { limits } = await openState(t, server.url, { env: { CHAT_USER_RATE: '5' } })
  const spender = { userId: newId(), places: [newId()] }
  for (let index = 0; index < 5; index++) t.equal(await take(limits, 'send', spender), undefined)
  server.kill('SIGKILL')
  t.match(await take(limits, 'send', spender), { of: 'user' })
})

t.test('what a node refuses by itself does not get as far as Redis', async t => {
  const { url } = await startRedis(t)
  const { limits, clients } = await openState(t, url, { env })
  const redis = clients.data[0]!
  const asked = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0)
  const spender = { userId: newId(), places: [newId()] }
  await take(limits, 'send', spender)
  const before = await asked()
  let refused = 0
  for (let index = 0; index < 1000; index++) if (await take(limits, 'send', spender) !== undefined) refused++
  t.ok(refused >= 990, `${refused} of 1000 refused`)
  t.equal(await asked() - before, 1000 - refused)
})

t.test('a bucket that somebody made something else of', async t => {
  const { url } = await startRedis(t)
  const { limits, clients, counted } = await openState(t, url, { env })
  const redis = clients.data[0]!
  const user = newId()
  const key = limitOf('send', 'user', user)
  await redis.sadd(key, 'x')
  t.equal(await take(limits, 'send', { userId: user }), undefined, 'the node\'s own count has to do')
  await limits.giveBack('send', { userId: user })
  t.equal(counted('hot_state_failures', 'limits'), 2)
  await redis.set(key, 'no time')
  t.equal(await take(limits, 'send', { userId: user }), undefined)
  await redis.set(key, String(Date.now() * 1000 + 3_600_000_000))
  const shortage = await take(limits, 'send', { userId: user })
  t.ok(shortage !== undefined && shortage.waitMs <= 3334, 'a time an hour ahead is an empty bucket, not an hour of silence')
  t.ok(await redis.pttl(key) <= 10_000, 'and is put right')
})

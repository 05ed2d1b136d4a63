import { once } from 'node:events'
import t from 'tap'
import { createPresence } from '../../../stores/redis/presence.ts'
import { newId, person, until, wait } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { openState } from './state.ts'

const server = await startRedis(t)
const { presence, clients, data, nodeId } = await openState(t, server.url)
const redis = clients.data[0]!
const own = data(`klatsch:node:${nodeId}`)
await presence.sync([])

t.test('the keys are those of the specification', async t => {
  const [cafe, other] = [newId(), newId()]
  const ann = person('ann')
  await presence.enter(cafe, ann)
  t.strictSame(await redis.smembers(`cafe:${cafe}:users`), [ann.id])
  const hash = await redis.hgetall(`user:${ann.id}:presence`)
  t.strictSame({ ...hash, lastSeen: 0 }, { status: 'online', lastSeen: 0, cafeId: cafe, username: 'ann' })
  const [seconds] = await redis.time()
  t.ok(Math.abs(Number(hash.lastSeen) - Number(seconds) * 1000) < 5000, 'epoch milliseconds')
  t.equal(await redis.ttl(`user:${ann.id}:presence`), -1, 'for as long as the user is here')

  await presence.enter(other, ann)
  t.equal(await redis.hget(`user:${ann.id}:presence`, 'cafeId'), other)
  await presence.leave(other, ann)
  t.equal(await redis.hget(`user:${ann.id}:presence`, 'cafeId'), cafe, 'back to one the user is in')
  await presence.leave(cafe, ann)
  const gone = await redis.hgetall(`user:${ann.id}:presence`)
  t.strictSame(Object.keys(gone).sort(), ['lastSeen', 'status', 'username'])
  t.equal(gone.status, 'offline')
  const month = 30 * 24 * 3600
  const life = await redis.ttl(`user:${ann.id}:presence`)
  t.ok(life > month - 5 && life <= month)
  await presence.enter(cafe, ann)
  t.equal(await redis.ttl(`user:${ann.id}:presence`), -1)
  await presence.leave(cafe, ann)
})

t.test('nothing remains of who left, but for the hash', async t => {
  const cafes = [newId(), newId()]
  const guests = [person('ann'), person('bob')]
  for (const cafe of cafes) for (const guest of guests) await presence.enter(cafe, guest)
  await presence.release()
  const left = (await redis.keys('*')).filter(key => !key.endsWith(':presence')).sort()
  t.strictSame(left, ['klatsch:version'])
  await presence.sync([])
})

t.test('a step that got lost is found at the next heartbeat and mended by the sync', async t => {
  const cafe = newId()
  const [ann, bob] = [person('ann'), person('bob')]
  await presence.enter(cafe, ann)
  t.equal((await presence.beat()).known, true)
  const back = once(own, 'ready')
  own.disconnect(true)
  await t.rejects(Promise.all([presence.enter(cafe, bob), presence.leave(cafe, ann)]))
  await back
  t.strictSame(await presence.counts([cafe]), [1])
  await presence.enter(newId(), bob)
  t.equal((await presence.beat()).known, false, 'later steps do not make up for it')
  await presence.sync([{ cafeId: cafe, user: bob }])
  t.strictSame((await presence.members(cafe, 9)).users.map(({ username }) => username), ['bob'])
  t.equal((await presence.beat()).known, true)
})

t.test('a Redis that comes back with an old state is found out too', async t => {
  const cafe = newId()
  const [ann, bob] = [person('ann'), person('bob')]
  await presence.sync([])
  await presence.enter(cafe, ann)
  await redis.save()
  await presence.leave(cafe, ann)
  await presence.enter(cafe, bob)
  t.equal((await presence.beat()).known, true)
  server.kill()
  await until(() => own.status !== 'ready')
  await t.rejects(presence.beat())
  await server.restart()
  await until(() => clients.data.every(({ status }) => status === 'ready'))
  t.strictSame((await presence.members(cafe, 9)).users.map(({ username }) => username), ['ann'], 'as it was saved')
  t.equal((await presence.beat()).known, false)
  await presence.sync([{ cafeId: cafe, user: bob }])
  t.strictSame((await presence.members(cafe, 9)).users.map(({ username }) => username), ['bob'])
  await redis.flushall()
})

t.test('a paused Redis: calls end in time, and what it did late is known', async t => {
  await presence.sync([])
  const cafe = newId()
  server.kill('SIGSTOP')
  const start = Date.now()
  await t.rejects(presence.enter(cafe, person('ann')))
  t.ok(Date.now() - start < 1500, 'by the command timeout')
  server.kill('SIGCONT')
  await until(async () => {
    const beat = await presence.beat().catch(() => undefined)
    return beat?.known === true && (await presence.counts([cafe]))[0] === 1
  })
  t.pass('the entry is there, and the node is known')
  await presence.release()
})

t.test('versions grow even when the clock goes back', async t => {
  const cafe = newId()
  const future = (Date.now() + 3600_000) * 1000
  await redis.set('klatsch:version', future)
  const { version } = await presence.enter(cafe, person('ann'))
  t.equal(version, future + 1)
  await redis.flushall()
  t.equal((await presence.enter(cafe, person('ann'))).version, future + 2, 'the node remembers')
  await redis.set('klatsch:version', 'nonsense')
  t.equal((await presence.enter(cafe, person('bob'))).version, future + 3)
  await redis.flushall()
})

t.test('what Redis lost of a user is no failure', async t => {
  const cafe = newId()
  const [ann, bob] = [person('ann'), person('bob')]
  const dead = createPresence(data, newId(), 100)
  await dead.enter(cafe, ann)
  await dead.enter(cafe, bob)
  await redis.del(`user:${ann.id}:presence`)
  await redis.hset(`user:${bob.id}:presence`, 'status', 'confused')
  t.match(await presence.members(cafe, 9), { userCount: 2, users: [{ username: 'bob', status: 'online' }] })
  const cem = person('cem')
  await dead.enter(cafe, cem)
  await redis.hset(`user:${cem.id}:presence`, 'lastSeen', '99999999999999999')
  t.match(await presence.members(cafe, 9), { userCount: 3, users: [{ username: 'bob' }] })
  await wait(150)
  const { departed } = await presence.beat()
  t.strictSame(departed.map(({ user }) => user.username).sort(), ['', 'bob', 'cem'])
})

t.test('scripts that were flushed', async t => {
  const cafe = newId()
  await presence.sync([])
  await redis.script('FLUSH')
  await Promise.all([presence.enter(cafe, person('ann')), presence.enter(cafe, person('bob'))])
  t.strictSame(await presence.counts([cafe]), [2])
})

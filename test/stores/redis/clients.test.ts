import t from 'tap'
import { createRedisClients, lane, redisVersion } from '../../../stores/redis/clients.ts'
import { cafeMessages } from '../../../stores/redis/keys.ts'
import { newId, until, wait } from '../../contracts/cast.ts'
import { freePort, startRedis } from '../../support/servers.ts'
import { openClients } from './state.ts'

const silent = { warn () {}, info () {} }

t.test('opens as many connections as it was told, each with a name', async t => {
  const { url } = await startRedis(t)
  const clients = await openClients(t, url, 10)
  t.equal(clients.data.length, 7)
  const names = String(await clients.publisher.client('LIST')).match(/ name=klatsch-\S+/g)!.map(name => name.slice(6)).sort()
  t.strictSame(names, ['klatsch-publisher', 'klatsch-subscriber', 'klatsch-feed', ...Array.from({ length: 7 }, (_, index) => `klatsch-data-${index}`)].sort())
  t.equal((await openClients(t, url, 4)).data.length, 1)
  t.throws(() => createRedisClients(url, 3, silent), RangeError)
})

t.test('a key has one lane, and keys spread over all', async t => {
  const { url } = await startRedis(t)
  const clients = await openClients(t, url, 10)
  const cafes = Array.from({ length: 700 }, newId)
  const used = new Map<unknown, number>()
  for (const cafe of cafes) {
    const client = lane(clients, cafeMessages(cafe))
    t.equal(lane(clients, cafeMessages(cafe)), client)
    used.set(client, (used.get(client) ?? 0) + 1)
  }
  t.equal(used.size, 7)
  t.ok([...used.values()].every(count => count > 50))
})

t.test('the version of the server', async t => {
  const { url } = await startRedis(t)
  const { publisher } = await openClients(t, url)
  const version = await redisVersion(publisher)
  t.ok(Number.isInteger(version) && version >= 6)
  await publisher.acl('SETUSER', 'default', '-info')
  await t.rejects(redisVersion(publisher), /NOPERM/)
  // A server that keeps its version to itself: the reply of another section has none.
  publisher.defineCommand('info', { numberOfKeys: 0, lua: "return '# Server'" })
  await t.rejects(redisVersion(publisher), /redis_version/)
})

t.test('an outage and its end are logged once', async t => {
  const server = await startRedis(t)
  const lines: string[] = []
  const clients = createRedisClients(server.url, 6, { warn: (_, message) => { lines.push(`warn ${message}`) }, info: (_, message) => { lines.push(`info ${message}`) } })
  t.teardown(() => clients.close())
  await clients.ready()
  t.strictSame(lines, [], 'no outage')
  for (let round = 0; round < 2; round++) {
    server.kill()
    await until(() => lines.at(-1) === 'warn Redis is away')
    await wait(300)
    await server.restart()
    await until(() => lines.at(-1) === 'info Redis is back')
  }
  t.strictSame(lines, ['warn Redis is away', 'info Redis is back', 'warn Redis is away', 'info Redis is back'])
})

t.test('a Redis that is not there yet is waited for, without end', async t => {
  const port = await freePort()
  const clients = createRedisClients(`redis://127.0.0.1:${port}`, 5, silent)
  t.teardown(() => clients.close())
  const start = Date.now()
  await t.rejects(clients.data[0]!.get('x'))
  t.ok(Date.now() - start < 250, 'fails at once')
  await wait(500)
  await startRedis(t, { port })
  await clients.ready()
  t.equal(await clients.data[0]!.ping(), 'PONG')
})

t.test('once one command had no answer, others do not wait for theirs, until a while has passed', async t => {
  const server = await startRedis(t)
  const { data, publisher } = await openClients(t, server.url, 6)
  server.kill('SIGSTOP')
  await t.rejects(data[0]!.get('a'), /timed out/)
  const start = performance.now()
  const others = [data[0]!.get('a'), data[1]!.get('b'), data[1]!.incr('b'), publisher.publish('c', 'd'), data[2]!.multi().set('e', 1).get('e').exec()]
  t.ok((await Promise.allSettled<unknown>(others)).every(({ status }) => status === 'rejected'))
  t.ok(performance.now() - start < 100)
  server.kill('SIGCONT')
  await wait(600)
  t.strictSame(await Promise.all([data[0]!.incr('a'), data[1]!.incr('b'), publisher.publish('c', 'd')]), [1, 1, 0], 'what was refused was not done')
})

t.test('a connection that owes an answer is given up, and found again when Redis goes on', async t => {
  const server = await startRedis(t)
  const { data } = await openClients(t, server.url, 4)
  const [client] = data
  server.kill('SIGSTOP')
  const start = Date.now()
  await t.rejects(client!.get('x'), /timed out/)
  t.ok(Date.now() - start < 900)
  await until(() => client!.status !== 'ready', 3000)
  const later = Date.now()
  await t.rejects(client!.get('x'))
  t.ok(Date.now() - later < 250, 'now at once')
  server.kill('SIGCONT')
  await until(async () => await client!.ping().catch(() => '') === 'PONG')
})

for (const state of ['there', 'paused', 'dead'] as const) {
  t.test(`closes in time when Redis is ${state}`, async t => {
    const server = await startRedis(t)
    const clients = await openClients(t, server.url)
    if (state === 'paused') server.kill('SIGSTOP')
    if (state === 'dead') {
      server.kill()
      await until(() => clients.data.every(({ status }) => status !== 'ready'))
    }
    const start = Date.now()
    await clients.close()
    t.ok(Date.now() - start < 2500)
    if (state === 'paused') server.kill('SIGCONT')
    await wait(50)
    await t.rejects(clients.data[0]!.get('x'))
  })
}

t.test('who waits for connections that are closed first is told', async t => {
  const clients = createRedisClients(`redis://127.0.0.1:${await freePort()}`, 4, silent)
  const ready = t.rejects(clients.ready(), /closed/)
  await until(() => clients.feed.status === 'reconnecting')
  await clients.close()
  await ready
})

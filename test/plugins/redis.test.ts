import { Writable } from 'node:stream'
import fastifyRedis from '@fastify/redis'
import Fastify from 'fastify'
import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import health from '../../plugins/health.ts'
import redis from '../../plugins/redis.ts'
import { freePort, startRedis, until } from '../support/servers.ts'

async function boot (t: Test, env: Record<string, string>) {
  const lines: string[] = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const app = Fastify({ logger: { level: 'debug', stream } })
  t.teardown(() => app.close())
  await app.register(config, { config: loadConfig(env) })
  await app.register(health)
  await app.register(redis)
  const clients = app.redis as unknown as Record<string, Redis>
  return { app, clients, lines, state: () => app.health.readiness().body.redis }
}

t.setTimeout(60_000)

t.test('without REDIS_URL there is no fastify.redis, and nothing to wait for', async t => {
  const { app, state } = await boot(t, {})
  t.equal(app.redis, undefined)
  t.equal(app.redisLane, undefined)
  await t.resolves(app.redisReady)
  t.equal(state(), 'unused')
})

t.test('with it: ten named connections, or as many as REDIS_POOL_SIZE says', async t => {
  const { url } = await startRedis(t)
  const { app, clients, state } = await boot(t, { REDIS_URL: url })
  t.equal(state(), 'down', 'not yet known')
  await app.redisReady
  t.equal(state(), 'up')
  t.equal(Object.keys(clients).length, 10)
  for (const name of ['publisher', 'subscriber', 'feed']) t.equal(clients[name]?.options.connectionName, `klatsch-${name}`)
  t.equal(clients.data0?.options.connectionName, 'klatsch-data-0')

  const small = await boot(t, { REDIS_URL: url, REDIS_POOL_SIZE: '4' })
  t.strictSame(Object.keys(small.clients).sort(), ['data0', 'feed', 'publisher', 'subscriber'])
  await small.app.redisReady
})

t.test('a key always has the same connection, and keys share them out', async t => {
  const { url } = await startRedis(t)
  const { app, clients } = await boot(t, { REDIS_URL: url })
  await app.redisReady
  const lanes = Array.from({ length: 200 }, (_, index) => app.redisLane(`cafe:${index}`))
  t.strictSame(lanes.map((_, index) => app.redisLane(`cafe:${index}`) === lanes[index]), lanes.map(() => true))
  t.equal(new Set(lanes).size, 7)
  for (const lane of lanes) t.ok(Object.values(clients).includes(lane))
})

t.test('a Redis that is away holds nothing up, and is found when it comes', async t => {
  const port = await freePort()
  const began = Date.now()
  const { app, state, lines } = await boot(t, { REDIS_URL: `redis://127.0.0.1:${port}` })
  t.ok(Date.now() - began < 2000, 'the boot went on')
  await until('it was looked for', () => lines.some(line => line.includes('Redis is away')), 5000)
  t.equal(state(), 'down')
  await startRedis(t, { port })
  await app.redisReady
  t.equal(state(), 'up')
})

t.test('a name that no resolver knows yet is asked for again', async t => {
  const { clients, lines } = await boot(t, { REDIS_URL: 'redis://redis.invalid' })
  await until('it was looked for', () => lines.some(line => line.includes('Redis is away')), 10_000)
  const again = Object.values(clients).map(client => new Promise(resolve => { client.once('reconnecting', resolve) }))
  await t.resolves(Promise.all(again))
  t.ok(Object.values(clients).every(({ status }) => status !== 'end'))
})

t.test('health follows: down while any connection is, up when all are back', async t => {
  const server = await startRedis(t)
  const { app, state } = await boot(t, { REDIS_URL: server.url })
  await app.redisReady
  await server.stop()
  await until('it is down', () => state() === 'down', 5000)
  await server.restart()
  await until('it is up', () => state() === 'up', 10_000)
})

t.test('a refusal is final: redisReady rejects, names the variable, and no secret is in the log', async t => {
  const { url } = await startRedis(t, { args: ['--requirepass', 'espresso'] })
  const attempts = [
    [url.replace('//', '//:ristretto@'), /^REDIS_URL is refused: WRONGPASS/],
    [url, /^REDIS_URL is refused: NOAUTH/],
    [`${url.replace('//', '//:espresso@')}/99`, /^REDIS_URL is refused: ERR DB index/]
  ] as const
  for (const [REDIS_URL, message] of attempts) {
    const { app, lines } = await boot(t, { REDIS_URL })
    await t.rejects(app.redisReady, { message })
    await until('it is told', () => lines.some(line => line.includes('Redis is away')), 5000)
    t.notMatch(lines.join(''), /ristretto|espresso/)
    await app.close()
  }
})

t.test('closing before Redis was ever there is quick, and redisReady rejects', async t => {
  const { app } = await boot(t, { REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  const began = Date.now()
  await app.close()
  t.ok(Date.now() - began < 3000)
  await t.rejects(app.redisReady, { message: /closed before/ })
})

t.test('a host with a Redis of its own keeps it', async t => {
  const [theirs, ours] = [await startRedis(t), await startRedis(t)]
  const host = Fastify()
  t.teardown(() => host.close())
  await host.register(fastifyRedis, { url: theirs.url })
  const { redis: own } = host
  await host.register(async function guest (app) {
    await app.register(config, { config: loadConfig({ REDIS_URL: ours.url }) })
    await app.register(health)
    await app.register(redis)
    await app.redisReady
    t.equal((app.redis as unknown as Record<string, Redis>).publisher?.options.port, ours.port)
  })
  t.equal(host.redis, own)
  t.equal(host.redis.options.port, theirs.port)
  t.notOk('publisher' in host.redis)
})

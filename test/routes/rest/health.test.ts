import Fastify from 'fastify'
import t from 'tap'
import klatsch, { loadConfig } from '../../../app.ts'
import type { Readiness } from '../../../schemas/health.ts'
import { build, SECRET } from '../../support/build.ts'
import { createDatabase, freePort, startPostgres } from '../../support/servers.ts'
import { until } from '../../support/sockets.ts'

t.test('a node that serves is alive and ready', async t => {
  const app = await build(t)
  await app.startup
  const live = await app.inject('/health/live')
  t.equal(live.statusCode, 200)
  t.strictSame(live.json(), { status: 'alive', nodeId: app.health.nodeId })
  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 200)
  t.strictSame(ready.json(), { status: 'ready', postgres: 'up', redis: 'unused', feed: 'unused' })

  app.health.drain()
  const draining = await app.inject('/health/ready')
  t.equal(draining.statusCode, 503)
  t.match(draining.json(), { status: 'draining' })
  t.equal((await app.inject('/health/live')).statusCode, 200, 'still alive')
})

t.test('a node whose database is not there yet says so and refuses what needs it', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const config = loadConfig({ JWT_SECRET: SECRET, DATABASE_URL: `postgres://127.0.0.1:${await freePort()}/klatsch` })
  await app.register(async function chat (app) { await klatsch(app, { config }) })
  await app.ready()

  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 503)
  t.strictSame(ready.json(), { status: 'starting', postgres: 'down', redis: 'unused', feed: 'unused' })
  t.equal((await app.inject('/health/live')).statusCode, 200)
  t.equal((await app.inject('/metrics')).statusCode, 200)
  t.equal((await app.inject('/')).statusCode, 200)

  for (const [method, url] of [['POST', '/api/auth/guest'], ['GET', '/api/cafes'], ['DELETE', '/api/chat/messages/x']] as const) {
    const response = await app.inject({ method, url })
    t.equal(response.statusCode, 503, url)
    t.strictSame(response.json(), { code: 'CHAT_UNAVAILABLE', message: 'The node is starting', retryAfterMs: 1000 })
    t.equal(response.headers['retry-after'], '1')
  }
})

t.test('PostgreSQL goes and comes back: unavailable, then ready again', async t => {
  const postgres = await startPostgres(t)
  const app = await build(t, { DATABASE_URL: postgres.url })
  await app.startup
  const status = async () => (await app.inject('/health/ready')).json<Readiness>().status
  t.equal(await status(), 'ready')

  await postgres.stop()
  await until('it is noticed', async () => await status() === 'unavailable', 10_000)
  t.strictSame((await app.inject('/health/ready')).json(), { status: 'unavailable', postgres: 'down', redis: 'unused', feed: 'unused' })
  const guest = await app.inject({ method: 'POST', url: '/api/auth/guest' })
  t.equal(guest.statusCode, 503, 'what needs it is refused')
  t.match(guest.json(), { code: 'CHAT_UNAVAILABLE' })

  await postgres.restart()
  await until('it is noticed too', async () => await status() === 'ready', 10_000)
  t.equal((await app.inject({ method: 'POST', url: '/api/auth/guest' })).statusCode, 201)
})

t.test('Redis is missing from the start: 503, and it says which', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const config = loadConfig({ JWT_SECRET: SECRET, DATABASE_URL: await createDatabase(t), REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
  await app.register(async function chat (app) { await klatsch(app, { config }) })
  await app.ready()
  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 503)
  t.strictSame(ready.json(), { status: 'starting', postgres: 'up', redis: 'down', feed: 'up' })
})

import { Writable } from 'node:stream'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import health from '../../plugins/health.ts'

async function boot (t: Test, env: Record<string, string> = {}) {
  const lines: Array<Record<string, unknown>> = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    }
  })
  const app = Fastify({ logger: { stream } })
  t.teardown(() => app.close())
  await app.register(config, { config: loadConfig(env) })
  await app.register(health)
  return { health: app.health, lines }
}

const withRedis = { REDIS_URL: 'redis://127.0.0.1:1' }

t.test('starting: 503 until started, and it says which part is down', async t => {
  const { health } = await boot(t, withRedis)
  t.strictSame(health.readiness(), { statusCode: 503, body: { status: 'starting', postgres: 'down', redis: 'down', feed: 'up' } })
  health.set('postgres', 'up')
  t.strictSame(health.readiness(), { statusCode: 503, body: { status: 'starting', postgres: 'up', redis: 'down', feed: 'up' } })
  health.set('redis', 'up')
  t.equal(health.readiness().body.status, 'starting', 'up is not yet set up')
  health.started()
  t.strictSame(health.readiness(), { statusCode: 200, body: { status: 'ready', postgres: 'up', redis: 'up', feed: 'up' } })
})

t.test('without Redis in the configuration it is not used and not missed', async t => {
  const { health } = await boot(t)
  health.set('postgres', 'up')
  health.started()
  t.strictSame(health.readiness(), { statusCode: 200, body: { status: 'ready', postgres: 'up', redis: 'unused', feed: 'unused' } })
})

t.test('after the start: degraded without Redis, unavailable without PostgreSQL, and back', async t => {
  const { health } = await boot(t, withRedis)
  health.set('postgres', 'up')
  health.set('redis', 'up')
  health.started()

  health.set('redis', 'down', 'ECONNREFUSED')
  t.strictSame(health.readiness(), { statusCode: 200, body: { status: 'degraded', postgres: 'up', redis: 'down', feed: 'up' } })
  health.set('postgres', 'down', 'ECONNREFUSED')
  t.strictSame(health.readiness(), { statusCode: 503, body: { status: 'unavailable', postgres: 'down', redis: 'down', feed: 'up' } })
  health.set('postgres', 'up')
  health.set('redis', 'up')
  t.equal(health.readiness().statusCode, 200)

  health.set('feed', 'down', 'cafes')
  t.strictSame(health.readiness(), { statusCode: 503, body: { status: 'unavailable', postgres: 'up', redis: 'up', feed: 'down' } }, 'Redis answers, but the others are not heard')
  health.set('redis', 'down')
  t.match(health.readiness(), { statusCode: 200, body: { status: 'degraded', feed: 'down' } }, 'nobody is heard without Redis: that is known')
})

t.test('draining comes before everything else', async t => {
  const { health } = await boot(t)
  health.drain()
  t.match(health.readiness(), { statusCode: 503, body: { status: 'draining' } }, 'also before the start')
  health.set('postgres', 'up')
  health.started()
  t.match(health.readiness(), { statusCode: 503, body: { status: 'draining', postgres: 'up' } })
})

t.test('the log hears of changes, once each', async t => {
  const { health, lines } = await boot(t, withRedis)
  health.set('postgres', 'down', 'still')
  t.equal(lines.length, 0, 'nothing has changed')
  health.set('postgres', 'up')
  health.set('postgres', 'up')
  health.set('postgres', 'down', 'ECONNREFUSED')
  health.set('postgres', 'down', 'ETIMEDOUT')
  t.match(lines, [
    { level: 30, part: 'postgres', state: 'up' },
    { level: 40, part: 'postgres', state: 'down', reason: 'ECONNREFUSED' }
  ])
  t.equal(lines.length, 2)
})

t.test('refuseUntilStarted lets nobody in before the start, and everybody after it', async t => {
  const { health } = await boot(t)
  t.throws(() => health.refuseUntilStarted(), { code: 'CHAT_UNAVAILABLE', statusCode: 503, retryAfterMs: 1000 })
  health.started()
  t.doesNotThrow(() => health.refuseUntilStarted())
  health.drain()
  t.doesNotThrow(() => health.refuseUntilStarted(), 'those who are still connected are served to the end')
})

t.test('every start has a nodeId of its own', async t => {
  const [one, two] = [await boot(t), await boot(t)]
  t.match(one.health.nodeId, /^[0-9a-f-]{36}$/)
  t.not(one.health.nodeId, two.health.nodeId)
})

import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import klatsch from '../../app.ts'
import { startRedis } from '../support/servers.ts'
import { host } from './host.ts'

async function boot (t: Test, env: Record<string, string> = {}) {
  const { server, config, log } = await host(t, env)
  await server.register(fp(async function whole (app) { await klatsch(app, { config }) }))
  await server.ready()
  return { server, log }
}

const choices = (log: Array<{ msg: string }>) => log.filter(({ msg }) => msg.startsWith('hot state in'))

t.test('without REDIS_URL hot state is in memory', async t => {
  const { server, log } = await boot(t)
  t.match(choices(log), [{ driver: 'memory' }], 'logged once')
  t.notOk(server.hasDecorator('redis'), 'there is no fastify.redis')
  t.equal(await server.stores.adapter(), undefined)
  t.equal(server.io.of('/').adapter.constructor.name, 'Adapter')
})

t.test('with REDIS_URL it is in Redis', async t => {
  const redis = await startRedis(t)
  const { server, log } = await boot(t, { REDIS_URL: redis.url })
  t.match(choices(log), [{ driver: 'redis' }], 'logged once')
  t.ok(server.hasDecorator('redis'))
  t.match(server.io.of('/').adapter.constructor.name, /^(Sharded)?RedisAdapter$/)
  const other = await boot(t, { REDIS_URL: redis.url })
  const content = ['user', 'cafe', 'digest'] as const
  t.equal(await server.stores.hot.repeats.check(...content), 0)
  t.ok(await other.server.stores.hot.repeats.check(...content) > 0, 'which nodes share')
})

import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createCanary } from '../../../stores/redis/canary.ts'
import { createSubscriptions } from '../../../stores/redis/subscriptions.ts'
import { until, wait } from '../../contracts/cast.ts'
import { startProxy } from '../../support/proxy.ts'
import { startRedis } from '../../support/servers.ts'
import { openClients } from './state.ts'

t.setTimeout(60_000)

const channel = 'klatsch:canary:test'
const EVERY = 500

/** A node's canary on a Redis whose answers to it can be kept back. */
async function setUp (t: Test) {
  const server = await startRedis(t)
  const proxy = await startProxy(t, server.url)
  const clients = await openClients(t, proxy.url)
  // Commands go the straight way, so that Redis answers them whatever happens to what is published.
  const straight = await openClients(t, server.url)
  const subscriptions = createSubscriptions(clients.feed, () => {})
  let connections = 0
  clients.feed.on('ready', () => { connections++ })
  const deaf: number[] = []
  const { isDeaf, stop } = createCanary({
    subscriptions, channel, every: EVERY, onHearing: ms => deaf.push(ms), publish: (channel, text) => straight.publisher.publish(channel, text)
  })
  t.teardown(stop)
  await until(() => deaf.length > 0 && deaf.at(-1) === 0)
  return { server, proxy, deaf, isDeaf, stop, connections: () => connections, hears: () => until(() => deaf.at(-1) === 0 && !isDeaf()) }
}

t.test('a node that hears is left alone', async t => {
  const { deaf, isDeaf, connections, stop } = await setUp(t)
  await wait(5 * EVERY)
  t.notOk(isDeaf())
  t.ok(deaf.length >= 3 && deaf.slice(1).every(ms => ms === 0))
  t.equal(connections(), 0)
  stop()
  const before = deaf.length
  await wait(3 * EVERY)
  t.equal(deaf.length, before)
})

t.test('what Redis publishes does not arrive: noticed with the next song, connected anew, for as long as it lasts', async t => {
  const { proxy, deaf, isDeaf, hears, connections } = await setUp(t)
  proxy.drop(chunk => chunk.includes('message'))
  await until(isDeaf)
  await until(() => connections() >= 2)
  await until(() => deaf.at(-1)! > 5 * EVERY)
  t.ok(isDeaf(), 'a new connection alone does not make it hear')
  proxy.drop()
  await hears()
  const then = connections()
  await wait(4 * EVERY)
  t.equal(connections(), then, 'and then it is left alone')
})

t.test('Redis refuses the channel: deaf, although it answers', async t => {
  const { server, deaf, isDeaf, hears } = await setUp(t)
  const operator = new Redis(server.url)
  t.teardown(() => operator.disconnect())
  await operator.acl('SETUSER', 'default', 'resetchannels')
  await until(() => deaf.at(-1)! > 3 * EVERY)
  t.ok(isDeaf())
  await operator.acl('SETUSER', 'default', 'allchannels')
  await hears()
})

t.test('a Redis that is away makes nobody deaf', async t => {
  const { server, deaf, isDeaf, hears } = await setUp(t)
  server.kill()
  await wait(5 * EVERY)
  const during = deaf.length
  await wait(5 * EVERY)
  t.equal(deaf.length, during, 'there is nothing to tell')
  t.notOk(isDeaf())
  await server.restart()
  await hears()
})

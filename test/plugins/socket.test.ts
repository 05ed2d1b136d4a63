import fp from 'fastify-plugin'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import klatsch, { type Config } from '../../app.ts'
import address from '../../plugins/address.ts'
import authenticate from '../../plugins/authenticate.ts'
import config from '../../plugins/config.ts'
import errors from '../../plugins/errors.ts'
import health from '../../plugins/health.ts'
import io from '../../plugins/io.ts'
import issuers from '../../plugins/issuers.ts'
import jwt from '../../plugins/jwt.ts'
import metrics from '../../plugins/metrics.ts'
import pg from '../../plugins/pg.ts'
import redis from '../../plugins/redis.ts'
import reporter from '../../plugins/reporter.ts'
import secret from '../../plugins/secret.ts'
import services from '../../plugins/services.ts'
import socket from '../../plugins/socket.ts'
import stores from '../../plugins/stores.ts'
import tokenWatch from '../../plugins/token-watch.ts'
import validation from '../../plugins/validation.ts'
import writeCoalescing from '../../plugins/write-coalescing.ts'
import { clientEvents } from '../../schemas/events.ts'
import { listen } from '../support/build.ts'
import { ask, connect, emit, guest, heard, open, openCafe, until } from '../support/sockets.ts'
import { host, listenOn } from './host.ts'

const handler = async () => ({}) as never

/** All of the app that the events need, without the events. */
const withoutEvents = fp(async function withoutEvents (app: FastifyInstance, options: { config: Config }) {
  await app.register(config, options)
  for (const plugin of [metrics, validation, errors, reporter, health, pg, redis, stores, address, io, writeCoalescing, services, secret, jwt, issuers, authenticate, tokenWatch, socket]) await app.register(plugin)
})

t.test('a declared event without a handler fails boot', async t => {
  const { server, config } = await host(t)
  await server.register(withoutEvents, { config })
  for (const event of Object.keys(clientEvents)) if (!event.startsWith('typing')) server.event({ event: event as keyof typeof clientEvents, handler })
  await t.rejects(async () => server.ready(), { message: /No handler for the events typing:start, typing:stop/ })
})

t.test('a second handler, and one for an event that is not declared, fail boot', async t => {
  for (const [event, message] of [['join:cafe', /join:cafe has a handler already/], ['join:table', /join:table is not declared/], ['constructor', /constructor is not declared/]] as const) {
    const { server, config } = await host(t)
    await t.rejects(async () => server.register(async function whole (app) {
      await klatsch(app, { config })
      app.event({ event: event as 'join:cafe', handler })
    }), { message })
  }
})

t.test('what a handler returns is the ack, a function is called in its turn', async t => {
  const { server, config } = await host(t)
  await server.register(withoutEvents, { config })
  const order: string[] = []
  const answers: Record<string, () => Promise<unknown>> = {
    'join:cafe': async () => () => { order.push('join'); return { in: 'its turn' } },
    'leave:cafe': async () => ({ out: true }),
    'message:send': async () => { throw new Error('secret of the database') },
    'typing:start': async () => () => { throw Object.assign(new Error('too late'), { statusCode: 403 }) }
  }
  for (const event of Object.keys(clientEvents)) server.event({ event: event as keyof typeof clientEvents, handler: (answers[event] ?? handler) as never })
  await server.ready()
  server.health.started()
  const url = await listenOn(server)
  const { token } = server.issue(await server.services.accounts.welcome('ann'))
  const client = await connect(t, { url }, token)
  const send = (event: string, payload: object) => new Promise(resolve => { (client as unknown as { emit: (...args: unknown[]) => void }).emit(event, payload, resolve) })
  const cafeId = '00000000-0000-4000-8000-000000000000'
  t.same(await send('join:cafe', { cafeId }), { ok: true, data: { in: 'its turn' } })
  t.same(order, ['join'])
  t.same(await send('leave:cafe', { cafeId }), { ok: true, data: { out: true } })
  t.same(await send('message:send', { cafeId, content: 'x' }), { ok: false, error: { code: 'CHAT_INTERNAL', message: 'Something went wrong here' } }, 'nothing of the cause')
  t.match(await send('typing:start', { cafeId }), { ok: false, error: { code: 'CHAT_FORBIDDEN' } })
  t.equal(server.underway.size, 0)
})

t.test('failures of ours are logged, without what people wrote; refusals are counted', async t => {
  const { server, config, log } = await host(t, { PG_POOL_SIZE: '2' })
  await server.register(fp(async function whole (app) { await klatsch(app, { config }) }))
  const url = await listenOn(server)
  const ann = await guest({ url }, 'ann')
  const { id: cafeId } = await openCafe({ url }, ann)
  const client = await connect(t, { url }, ann.token)
  await ask(client, 'join:cafe', { cafeId })
  const { message } = await ask(client, 'message:send', { cafeId, content: 'a secret between us' })
  log.length = 0

  t.match(await emit(client, 'typing:start', {}), { ok: false, error: { code: 'CHAT_VALIDATION' } })
  t.same(log, [], 'the client\'s mistakes are not worth a line')
  await server.pg.pool.query('DROP TABLE changes')
  t.match(await emit(client, 'message:delete', { messageId: message.id }), { ok: false, error: { code: 'CHAT_INTERNAL' } })
  t.match(log, [{ level: 50, msg: 'event failed', event: 'message:delete', code: 'CHAT_INTERNAL', userId: ann.user.id, err: { code: '42P01' } }])
  t.notMatch(JSON.stringify(log), /secret between us/)
  const { rows } = await server.pg.pool.query('SELECT deleted, content FROM messages')
  t.same(rows, [{ deleted: false, content: 'a secret between us' }], 'nothing half-written')

  log.length = 0
  const held = [await server.pg.pool.connect(), await server.pg.pool.connect()]
  const { token } = server.issue({ id: '00000000-0000-4000-8000-000000000001', username: 'eve', role: 'member' })
  const stranger = open(t, { url }, token, { reconnection: true, reconnectionDelay: 100 })
  stranger.on('connect_error', error => { if ('data' in error) t.fail('a reason would keep her out') })
  const refused = new Promise<void>(resolve => { stranger.io.once('close', () => resolve()) })
  const [failed] = await Promise.all([emit(client, 'message:send', { cafeId, content: 'another secret' }), refused])
  for (const client of held) client.release()
  await until('she who could not be recorded comes again', () => stranger.connected)
  t.match(failed, { ok: false, error: { code: 'CHAT_UNAVAILABLE' } })
  t.match(log.filter(({ msg }) => msg === 'connection refused'), [{ level: 40, code: 'CHAT_UNAVAILABLE' }])
  t.match(log.filter(({ msg }) => msg === 'event failed'), [{ level: 40, event: 'message:send', code: 'CHAT_UNAVAILABLE' }])
  t.notMatch(JSON.stringify(log), /another secret|eyJ/, 'neither text nor token')

  const text = await (await fetch(`${url}/metrics`)).text()
  for (const line of ['chat_connections 2', 'chat_refusals_total{code="CHAT_VALIDATION"} 1', 'chat_refusals_total{code="CHAT_INTERNAL"} 1', 'chat_refusals_total{code="CHAT_UNAVAILABLE"} 2', 'chat_sends_total 2', 'chat_acks_total 1', 'chat_open_cafes 1']) {
    t.ok(text.includes(line), line)
  }
})

t.test('nobody gets in while a node is starting or stopping, and who tries again does afterwards', async t => {
  const app = await listen(t)
  const { token } = await guest(app, 'ann')
  const { takesConnections } = app.health
  app.health.takesConnections = () => false
  const clients = [['websocket'], ['polling'], ['polling', 'websocket']].map(transports => open(t, app, token, { transports, reconnection: true, reconnectionDelay: 100 }))
  const refusals = clients.map(() => 0)
  clients.forEach((client, index) => client.on('connect_error', error => {
    if (!('data' in error)) refusals[index]!++
  }))
  await until('all were refused, more than once', () => refusals.every(count => count > 1))
  app.health.takesConnections = takesConnections
  await until('all are in', () => clients.every(({ connected }) => connected))
  const polling = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`)
  t.equal(polling.status, 200)
  app.health.takesConnections = () => false
  const refused = await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`)
  t.equal(refused.status, 403)
  t.same(await refused.json(), { code: 4, message: 'The node is starting or stopping' })
  t.ok(clients.every(({ connected }) => connected), 'who is in stays')
})

t.test('a socket that goes while its join is under way', async t => {
  const app = await listen(t)
  const { user, token } = await guest(app, 'ann')
  const { id: cafeId } = await openCafe(app, { token })
  const holders = await Promise.all(Array.from({ length: 20 }, () => app.pg.pool.connect()))
  const client = await connect(t, app, token).catch(error => error as Error)
  if (client instanceof Error) throw client
  client.emit('join:cafe', { cafeId }, () => t.fail('nobody is there to hear it'))
  await until('it waits for the database', () => app.pg.pool.waitingCount > 0)
  client.disconnect()
  await until('the server knows', () => app.io.of('/').sockets.size === 0)
  for (const holder of holders) holder.release()
  await until('all is done', () => app.underway.size === 0)
  t.same(await app.stores.hot.presence.counts([cafeId]), [0], 'nobody is left behind')
  t.same(await app.stores.hot.presence.members(cafeId, 10), { userCount: 0, users: [] })
  const again = await connect(t, app, token, { auth: { cafeId } })
  await until('she comes back', () => heard(again, 'message:history').length === 1)
  t.match(await app.stores.hot.presence.members(cafeId, 10), { userCount: 1, users: [{ id: user.id }] })
})

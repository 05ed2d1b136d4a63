import type { AddressInfo } from 'node:net'
import fp from 'fastify-plugin'
import { Server } from 'socket.io'
import t, { type Test } from 'tap'
import klatsch from '../../app.ts'
import { listen } from '../support/build.ts'
import { type Client, ask, call, connect, emit, guest, heard, once, open, openCafe, until } from '../support/sockets.ts'
import { checkLog } from '../stores/postgres/cast.ts'
import { host, listenOn } from './host.ts'

const env = { CHAT_LIMITS: 'off' }
const patient = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200, randomizationFactor: 0.5 }

/** Another node in the place of one that was closed: same port, same database. */
async function replace (t: Test, app: Awaited<ReturnType<typeof listen>>, port: number) {
  const { server, config } = await host(t, { ...env, DATABASE_URL: app.databaseUrl })
  await server.register(fp(async function whole (server) { await klatsch(server, { config }) }))
  await listenOn(server, port)
  return server
}

t.test('fastify.io is a Socket.IO server on the HTTP server of the app', async t => {
  const app = await listen(t)
  t.ok(app.io instanceof Server)
  const ann = await guest(app, 'ann')
  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
    const socket = await connect(t, app, ann.token, { transports })
    t.equal(heard(socket, 'connected').length, 1, transports.join())
  }
  const upgraded = await connect(t, app, ann.token)
  await until('a stock client ends up on WebSocket', () => upgraded.io.engine.transport.name === 'websocket')
  t.match(await call(app, 'GET', '/health/live'), { status: 'alive' }, 'beside the routes')
  t.equal((await fetch(`${app.url}/socket.io/socket.io.js`)).status, 400, 'it serves no client')
})

t.test('a node that stops sends its clients to the next one', async t => {
  const app = await listen(t, env)
  const { port } = app.server.address() as AddressInfo
  const [ann, bob] = [await guest(app, 'ann'), await guest(app, 'bob')]
  const { id: cafeId } = await openCafe(app, ann)
  const clients: Client[] = []
  for (let n = 0; n < 20; n++) {
    const transports = n % 4 === 0 ? ['polling'] : n % 4 === 1 ? ['websocket'] : ['polling', 'websocket']
    clients.push(await connect(t, app, n % 2 === 0 ? ann.token : bob.token, { ...patient, transports, auth: { cafeId } }))
  }
  await until('all are in', () => clients.every(socket => heard(socket, 'message:history').length === 1))
  const reasons: string[] = []
  for (const socket of clients) socket.on('disconnect', reason => reasons.push(reason))
  await ask(clients[0]!, 'message:send', { cafeId, content: 'see you there' })

  await app.close()
  t.equal(clients.filter(socket => heard(socket, 'server:draining').length === 1).length, clients.length, 'all heard that it stops')
  t.match(heard(clients[0]!, 'server:draining')[0], { reconnectAfterMs: 3000 })
  await until('all are cut off', () => reasons.length === clients.length)
  t.same(reasons.filter(reason => reason !== 'transport close' && reason !== 'transport error'), [], 'in a way after which a stock client comes back')

  await replace(t, app, port)
  await until('all are back, and in the cafe', () => clients.every(socket => heard(socket, 'message:history').length === 2), 10_000)
  t.match(heard(clients[5]!, 'message:history').at(-1), { messages: [{ content: 'see you there' }] })
  const news = Promise.all(clients.map(socket => once(socket, 'message:new')))
  await ask(clients[1]!, 'message:send', { cafeId, content: 'here we are' })
  t.same(new Set((await news).map(({ message }) => message.seq)), new Set([2]))
})

t.test('what is under way when a node stops is answered first', async t => {
  const app = await listen(t, env)
  const [ann, other] = [await guest(app, 'ann'), await listen(t, { ...env, DATABASE_URL: app.databaseUrl })]
  const { id: cafeId } = await openCafe(app, ann)
  const clients = await Promise.all(Array.from({ length: 10 }, (_, n) => connect(t, app, ann.token, { transports: n < 3 ? ['polling'] : ['websocket'] })))
  for (const socket of clients) await ask(socket, 'join:cafe', { cafeId })
  const holder = await other.pg.pool.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM cafe_heads WHERE cafe_id = $1 FOR UPDATE', [cafeId])
  const acks = Promise.all(clients.flatMap((socket, n) => Array.from({ length: 10 }, (_, m) => emit(socket, 'message:send', { cafeId, content: `message ${n} ${m}` }))))
  await until('all of them wait for the cafe', () => app.underway.size === 100)

  const closed = app.close()
  await once(clients[5]!, 'server:draining')
  const late = open(t, app, ann.token, { transports: ['websocket'] })
  await new Promise(resolve => { late.once('connect_error', resolve) })
  t.notOk(late.connected, 'nobody comes in any more')
  await holder.query('ROLLBACK')
  holder.release()
  t.same((await acks).filter(({ ok }) => !ok), [], 'a hundred acks')
  await closed
  const { rows } = await other.pg.pool.query('SELECT count(*)::int AS n FROM messages')
  t.equal(rows[0].n, 100)
  await checkLog(t, other.pg.pool)
})

t.test('a node that stops while everybody talks', async t => {
  const app = await listen(t, env)
  const { port } = app.server.address() as AddressInfo
  const ann = await guest(app, 'ann')
  const { id: cafeId } = await openCafe(app, ann)
  const clients = await Promise.all(Array.from({ length: 10 }, () => connect(t, app, ann.token, { ...patient, auth: { cafeId } })))
  await until('all are in', () => clients.every(socket => heard(socket, 'message:history').length === 1))
  const acked = new Map<string, string>()
  /** Sends until it is acked, under one clientId, as a client does that was cut off. */
  async function send (socket: Client, clientId: string) {
    for (let attempt = 0; attempt < 20; attempt++) {
      const ack = await new Promise<{ ok: boolean, data?: { message: { id: string } } } | undefined>(resolve => {
        socket.timeout(1000).emit('message:send', { cafeId, content: clientId, clientId }, (error: Error | null, reply: unknown) => resolve(error === null ? reply as { ok: boolean } : undefined))
      })
      if (ack?.ok) return acked.set(clientId, ack.data!.message.id)
      await new Promise(resolve => { setTimeout(resolve, 100) })
    }
  }
  const talk = Promise.all(clients.map(async (socket, n) => { for (let m = 0; m < 15; m++) await send(socket, `client ${n} message ${m}`) }))
  await until('they talk', () => acked.size > 20)
  const before = acked.size
  await app.close()
  const next = await replace(t, app, port)
  await talk
  t.ok(before < 150, 'it stopped in the middle')
  t.equal(acked.size, 150, 'everything was acked in the end')
  const { rows } = await next.pg.pool.query('SELECT id, client_id FROM messages')
  t.same(new Map(rows.map(row => [row.client_id, row.id])), acked, 'and is there once, under the id of its ack')
  t.equal(rows.length, 150)
  await checkLog(t, next.pg.pool)
})

t.test('a client that no longer fetches its packets does not keep a node from stopping', async t => {
  const app = await listen(t)
  const { token } = await guest(app, 'ann')
  const poll = (query: string, body?: string) => fetch(`${app.url}/socket.io/?EIO=4&transport=polling${query}`, body === undefined ? {} : { method: 'POST', body })
  const { sid } = JSON.parse((await (await poll('')).text()).slice(1)) as { sid: string }
  await poll(`&sid=${sid}`, `40${JSON.stringify({ token })}`)
  await until('it is connected', () => app.io.of('/').sockets.size === 1)
  const start = Date.now()
  await app.close()
  const took = Date.now() - start
  t.ok(took >= 2900 && took < 8000, `it waited ${took} ms`)
})

t.test('a second registration on one server fails boot', async t => {
  const { server, config } = await host(t)
  await server.register(klatsch, { config })
  await t.rejects(async () => server.register(klatsch, { config, prefix: '/again' }), /registered on this server already/)
  await t.rejects(async () => server.ready())
})

t.test('under a prefix the routes move, the socket stays where its option says', async t => {
  const { server, config } = await host(t, { SOCKET_PATH: '/talk' })
  server.get('/', async () => 'the host\'s own')
  await server.register(klatsch, { config, prefix: '/klatsch' })
  const url = await listenOn(server)
  t.equal(await (await fetch(`${url}/`)).text(), 'the host\'s own')
  t.equal((await fetch(`${url}/api/cafes`)).status, 404)
  const ann = await guest({ url: `${url}/klatsch` }, 'ann')
  const { id: cafeId } = await openCafe({ url: `${url}/klatsch` }, ann)
  t.match(await call({ url: `${url}/klatsch` }, 'GET', '/health/ready'), { status: 'ready' })
  const socket = await connect(t, { url }, ann.token, { path: '/talk' })
  t.match(await ask(socket, 'join:cafe', { cafeId }), { cafeId })
  const lost = open(t, { url }, ann.token)
  await new Promise(resolve => { lost.once('connect_error', resolve) })
  t.notOk(lost.connected, 'not at the default path')
})

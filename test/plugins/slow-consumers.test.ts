import t from 'tap'
import { listen } from '../support/build.ts'
import { ask, connect, guest, heard, once, openCafe, until } from '../support/sockets.ts'

/** The TCP connection below a client on WebSocket. */
interface Wire { io: { engine: { transport: { ws: { _socket: { pause: () => void, resume: () => void, on: (event: 'data', listener: () => void) => void } } } } } }

t.test('a client that stops reading is cut, the others notice nothing, and it comes back whole', { timeout: 60_000 }, async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off', CHAT_MESSAGE_MAX_LENGTH: '4000', SOCKET_MAX_BUFFERED: '65536', CHAT_HISTORY_LIMIT: '100', CHAT_CACHE_SIZE: '1000' })
  const [ann, bob] = await Promise.all([guest(app, 'ann'), guest(app, 'bob')])
  const cafe = await openCafe(app, ann)
  const fast = await connect(t, app, ann.token)
  const slow = await connect(t, app, bob.token, { transports: ['websocket'], reconnection: true })
  await Promise.all([ask(fast, 'join:cafe', { cafeId: cafe.id }), ask(slow, 'join:cafe', { cafeId: cafe.id })])

  const wire = (slow as unknown as Wire).io.engine.transport.ws._socket
  wire.pause()
  let sent = 0
  await until('the slow client is cut', async () => {
    await Promise.all(Array.from({ length: 50 }, () => ask(fast, 'message:send', { cafeId: cafe.id, content: `${++sent} `.padEnd(4000, 'x') })))
    return app.io.of('/').sockets.size === 1
  }, 40_000)
  t.match(await app.metrics.registry.metrics(), /^chat_slow_consumers_total 1$/m)
  await until('the fast one heard all', () => heard(fast, 'message:new').length === sent)

  const back = once(slow, 'connected', undefined, 10_000)
  wire.resume()
  await back
  const first = heard(slow, 'message:new').length
  const joined = await ask(slow, 'join:cafe', { cafeId: cafe.id, since: Math.max(first, sent - 50) })
  t.equal(joined.rev, sent)
  t.equal(joined.recovered, true)
})

t.test('a client that reads slowly, but reads on, is spared however long it has too much to read', { timeout: 60_000 }, async t => {
  const MAX_BUFFERED = 65_536
  const app = await listen(t, { CHAT_LIMITS: 'off', CHAT_MESSAGE_MAX_LENGTH: '4000', SOCKET_MAX_BUFFERED: String(MAX_BUFFERED) })
  const [ann, bob] = await Promise.all([guest(app, 'ann'), guest(app, 'bob')])
  const cafe = await openCafe(app, ann)
  const slow = await connect(t, app, bob.token, { transports: ['websocket'] })
  await ask(slow, 'join:cafe', { cafeId: cafe.id })
  const { engine: { clients } } = app.io as unknown as { engine: { clients: Record<string, { transport: { socket: { bufferedAmount: number } } }> } }
  const { transport } = Object.values(clients)[0]!
  const sender = await connect(t, app, ann.token, { auth: { cafeId: cafe.id } })

  const wire = (slow as unknown as Wire).io.engine.transport.ws._socket
  wire.pause()
  let sent = 0
  // So much at once, before anybody looks twice.
  while (transport.socket.bufferedAmount < 50 * MAX_BUFFERED) {
    await Promise.all(Array.from({ length: 50 }, () => ask(sender, 'message:send', { cafeId: cafe.id, content: `${++sent} `.padEnd(4000, '茶') })))
  }
  wire.on('data', () => { wire.pause() })
  let late = 0
  await until('he has read all', async () => {
    if (transport.socket.bufferedAmount > MAX_BUFFERED) late += 25
    wire.resume()
    return heard(slow, 'message:new').length === sent
  }, 40_000)
  t.ok(late > 1500, `had too much to read for ${late} ms, three looks`)
  t.match(await app.metrics.registry.metrics(), /^chat_slow_consumers_total 0$/m)
  t.ok(slow.connected)
})

t.test('a client that no longer polls is cut when too many packets wait for it', { timeout: 60_000 }, async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off', SOCKET_MAX_PACKETS: '20', SOCKET_PING_TIMEOUT: '60000' })
  const [ann, bob] = await Promise.all([guest(app, 'ann'), guest(app, 'bob')])
  const cafe = await openCafe(app, ann)
  const poll = async (sid: string, packet?: string) => {
    const address = `${app.url}/socket.io/?EIO=4&transport=polling${sid}`
    const response = await fetch(address, packet === undefined ? {} : { method: 'POST', body: packet })
    return response.text()
  }
  const { sid } = JSON.parse((await poll('')).slice(1)) as { sid: string }
  await poll(`&sid=${sid}`, `40${JSON.stringify({ token: bob.token, cafeId: cafe.id })}`)
  await until('he is in', () => (app.io.sockets.adapter.rooms.get(`cafe:${cafe.id}`)?.size ?? 0) === 1)
  const fast = await connect(t, app, ann.token, { auth: { cafeId: cafe.id } })

  let sent = 0
  await until('he is cut', async () => {
    await ask(fast, 'message:send', { cafeId: cafe.id, content: `number ${++sent}` })
    return app.io.of('/').sockets.size === 1
  }, 20_000)
  t.ok(sent > 15, `${sent} messages`)
  t.match(await app.metrics.registry.metrics(), /^chat_slow_consumers_total 1$/m)
})

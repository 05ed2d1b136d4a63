import type { Socket as TcpSocket } from 'node:net'
import { io } from 'socket.io-client'
import t, { type Test } from 'tap'
import { listen } from '../support/build.ts'
import { guest, until } from '../support/sockets.ts'

/** What Node calls to hand something to the network: each call is one for the system too. */
interface Writes { _write: (...args: never[]) => void, _writev: (...args: never[]) => void }

/** A stock client of a node that counts the writes to all of its connections. */
async function setUp (t: Test, env: Record<string, string>, transports: string[]) {
  const app = await listen(t, env)
  let writes = 0
  app.server.prependListener('connection', (wire: TcpSocket & Writes) => {
    for (const name of ['_write', '_writev'] as const) {
      const write = wire[name]
      wire[name] = function (...args: never[]) {
        writes++
        return write.apply(wire, args)
      }
    }
  })
  const { token } = await guest(app, 'ann')
  const client = io(app.url, { forceNew: true, reconnection: false, transports, auth: { token } })
  t.teardown(() => client.disconnect())
  const heard: unknown[] = []
  client.onAny((name, payload) => { if (name === 'note') heard.push(payload) })
  await until('it is connected', () => client.connected)
  if (transports.length > 1) await until('it has upgraded', () => client.io.engine.transport.name === 'websocket')
  // What came with the handshake is through.
  await new Promise(resolve => { setTimeout(resolve, 100) })
  writes = 0
  const [socket] = app.io.of('/').sockets.values()
  const tell = (count: number) => { for (let number = 0; number < count; number++) (socket as unknown as { emit: (name: string, payload: number) => void }).emit('note', number) }
  return { app, client, socket: socket!, heard, tell, writes: () => writes }
}

const numbers = Array.from({ length: 20 }, (_, index) => index)

for (const transports of [['websocket'], ['polling', 'websocket']]) {
  t.test(`by ${transports}: what is told in one turn is one write`, async t => {
    const { heard, tell, writes } = await setUp(t, {}, transports)
    tell(20)
    t.equal(writes(), 0, 'not before the turn ends')
    await until('all has come', () => heard.length === 20)
    t.same(heard, numbers, 'in order')
    t.equal(writes(), 1)
  })
}

t.test('a client that polls gets it all with one answer', async t => {
  const { heard, tell, writes } = await setUp(t, {}, ['polling'])
  tell(20)
  await until('all has come', () => heard.length === 20)
  t.same(heard, numbers)
  t.ok(writes() <= 3, `${writes()} writes`)
})

t.test('SOCKET_WRITE_COALESCING=off: each packet is written by itself', async t => {
  const { heard, tell, writes } = await setUp(t, { SOCKET_WRITE_COALESCING: 'off' }, ['websocket'])
  tell(20)
  await until('all has come', () => heard.length === 20)
  t.equal(writes(), 20)
})

t.test('the last words of a connection that is closed arrive', async t => {
  for (const transports of [['websocket'], ['polling', 'websocket'], ['polling']]) {
    const { client, socket, heard, tell } = await setUp(t, {}, transports)
    tell(3)
    socket.disconnect(true)
    await until('it is disconnected', () => client.disconnected)
    t.same(heard, [0, 1, 2], String(transports))
  }
})

/** Three stock clients of a node, one of each kind, who hear what the room is told. */
async function seatThree (t: Test, env: Record<string, string> = {}) {
  const app = await listen(t, env)
  const { token } = await guest(app, 'ann')
  const clients = await Promise.all([['websocket'], ['polling', 'websocket'], ['polling']].map(async transports => {
    const client = io(app.url, { forceNew: true, reconnection: false, transports, auth: { token } })
    t.teardown(() => client.disconnect())
    const heard: unknown[] = []
    client.onAny((name, payload) => { if (name === 'note') heard.push(payload) })
    await until('it is connected', () => client.connected)
    if (transports.length > 1) await until('it has upgraded', () => client.io.engine.transport.name === 'websocket')
    const socket = app.io.of('/').sockets.get(client.id!)!
    return { socket, heard }
  }))
  return { app, clients }
}

// Each kind of length that a frame may have, at its bounds, and what is longer as bytes than as text.
const texts = [0, 1, 100, 110, 111, 112, 113, 114, 65_500, 65_520, 65_521, 65_522, 65_523, 65_524, 70_000].map(length => 'x'.repeat(length)).concat('☕'.repeat(50), '☕'.repeat(30_000), '')

for (const SOCKET_WRITE_COALESCING of ['on', 'off']) {
  t.test(`SOCKET_WRITE_COALESCING=${SOCKET_WRITE_COALESCING}: what a room is told comes whole and in order, whatever its length and by whatever transport`, async t => {
    const { app, clients } = await seatThree(t, { SOCKET_WRITE_COALESCING })
    for (const { socket } of clients) socket.join('room')
    app.tellRoom('another room', 'note', 'for nobody')
    for (const text of texts) app.tellRoom('room', 'note', text)
    for (const { heard } of clients) {
      await until('all has come', () => heard.length === texts.length)
      t.ok(heard.every((text, index) => text === texts[index]))
    }
  })
}

t.test('who comes in the middle of a turn hears what follows', async t => {
  const { app, clients: [first, second, third] } = await seatThree(t)
  first!.socket.join('room')
  app.tellRoom('room', 'note', 1)
  app.settleRoom('room')
  second!.socket.join('room')
  third!.socket.join('room')
  app.tellRoom('room', 'note', 2)
  app.settleRoom('room')
  app.settleRoom('room')
  await new Promise(resolve => { setTimeout(resolve, 200) })
  t.same([first, second, third].map(client => client!.heard), [[1, 2], [2], [2]])
})

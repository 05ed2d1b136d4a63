import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { io as connect, type Socket } from 'socket.io-client'
import t, { type Test } from 'tap'
import { createGuardedAdapter } from '../../../stores/redis/adapter.ts'
import { createSubscriptions } from '../../../stores/redis/subscriptions.ts'
import { createRandom, until, wait } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { createWitness, openClients, seal } from './state.ts'

/** A Socket.IO server of its own on the Redis at `url`. Its sockets join the rooms that they ask for. */
async function startNode (t: Test, url: string, sharded: boolean) {
  const clients = await openClients(t, url, 4)
  const witness = createWitness()
  const { publisher, subscriber } = clients
  const adapter = createGuardedAdapter({ publisher, subscriber: createSubscriptions(subscriber, () => {}), sharded, seal, meter: witness.meter, reporter: witness.reporter })
  const http = createServer()
  const io = new Server(http, { adapter })
  io.on('connection', socket => { socket.on('join', (room: string, done: () => void) => { socket.join(room); done() }) })
  await new Promise<void>(resolve => { http.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => io.close())
  const { port } = http.address() as AddressInfo

  async function guest (...rooms: string[]) {
    const socket = connect(`http://127.0.0.1:${port}`, { transports: ['websocket'], auth: { token: 'secret-token' } })
    t.teardown(() => socket.close())
    const heard: unknown[][] = []
    const probes: string[] = []
    socket.onAny((...args) => { if (args[0] === 'probe') probes.push(args[1]); else heard.push(args) })
    await new Promise<void>(resolve => { socket.once('connect', resolve) })
    for (const room of rooms) await socket.emitWithAck('join', room)
    return { socket, heard, probes }
  }

  return { io, clients, guest, ...witness }
}

type Node = Awaited<ReturnType<typeof startNode>>

/** Emits from one node until the other's guest hears it: then the way is open. */
async function untilHeard (from: Node, room: string, { probes }: { probes: string[] }) {
  const probe = randomUUID()
  await until(async () => {
    from.io.to(room).emit('probe', probe)
    await wait(20)
    return probes.includes(probe)
  }, 10_000)
}

const packet = { type: 2, data: ['news', 1], nsp: '/' }
const opts = { rooms: ['room'], except: [], flags: {} }

/** Frames that are not what they should be, as text. */
const classicFrames = [
  [], ['x'], ['x', 1], ['x', packet], ['x', packet, 5], [5, packet, opts], ['x', packet, { rooms: 'room' }], ['x', packet, { ...opts, flags: [] }],
  ['x', { ...packet, data: 5 }, opts], ['x', { ...packet, data: [] }, opts], ['x', { ...packet, data: ['disconnect'] }, opts], ['x', { ...packet, type: 1 }, opts],
  ['x', { ...packet, id: 5 }, opts], ['x', { ...packet, nsp: 5 }, opts], ['x', { ...packet, attachments: 1 }, opts], { packet: 1 }
]
const classicRequests = [
  {}, { type: 5 }, { type: 0, uid: 'x', requestId: 'r' }, { type: 1, uid: 'x', requestId: 'r' }, { type: 5, uid: 'x', requestId: 'r', opts },
  { type: 2, uid: 'x' }, { type: 2, uid: 'x', opts, rooms: 5 }, { type: 3, uid: 'x', opts: {}, rooms: ['a'] }, { type: 4, uid: 'x', opts, close: 'yes' },
  { type: 4, uid: 'x', opts: { rooms: 5 }, close: true }, { type: 4, opts, close: true }, { type: 6, uid: 'x', data: 5 }, { type: 7, uid: 'x', packet: 1, opts }, { type: 99, uid: 'x' }
]
const message = { uid: 'x', nsp: '/', type: 3, data: { packet, opts } }
const shardedFrames = [
  { packet: 1 }, {}, [], null, { ...message, uid: 5 }, { ...message, nsp: undefined }, { ...message, data: undefined }, { ...message, data: { packet: 1, opts } },
  { ...message, data: { packet: { ...packet, nsp: '/other' }, opts } }, { ...message, data: { packet } }, { ...message, data: { packet, opts, requestId: 'r' } },
  { ...message, type: 4, data: { opts } }, { ...message, type: 5, data: { rooms: ['a'] } }, { ...message, type: 6, data: {} }, { ...message, type: 6, data: { opts, close: 5 } },
  { ...message, type: 7, data: { opts, requestId: 'r' } }, { ...message, type: 9, data: { packet: 5 } }, { ...message, type: 10, data: {} }, { ...message, type: 13 }
]

/** Bytes of many kinds: noise, broken JSON, MessagePack whole and cut, deep nesting. */
function noise (count: number): Buffer[] {
  const random = createRandom(3)
  const msgpack = Buffer.from('81a67061636b657401', 'hex') // {"packet":1}
  const kinds = [
    () => Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256))),
    () => Buffer.from(JSON.stringify(message).slice(0, random.below(60))),
    () => msgpack.subarray(0, 1 + random.below(msgpack.length)),
    () => Buffer.from(random.pick(['null', '5', '"x"', '[]', '{}', '{"__proto__":{"type":3}}', '[null,{},{}]'])),
    () => Buffer.from('['.repeat(1 + random.below(5000)))
  ]
  return Array.from({ length: count }, () => random.pick(kinds)())
}

for (const sharded of [false, true]) {
  const mode = sharded ? 'sharded' : 'classic'

  async function startTwo (t: Test) {
    const server = await startRedis(t)
    const [a, b] = [await startNode(t, server.url, sharded), await startNode(t, server.url, sharded)]
    const [ann, bob] = [await a.guest('room'), await b.guest('room')]
    await untilHeard(a, 'room', bob)
    await untilHeard(b, 'room', ann)
    return { server, a, b, ann, bob }
  }

  t.test(`${mode}: what one node emits reaches the sockets of both`, async t => {
    const { a, b, ann, bob } = await startTwo(t)
    const cem = await b.guest()
    a.io.to('room').emit('news', { text: 'ünï 🦦', list: [1, null, { deep: true }] })
    await until(() => ann.heard.length === 1 && bob.heard.length === 1)
    t.strictSame(bob.heard, [['news', { text: 'ünï 🦦', list: [1, null, { deep: true }] }]])
    t.strictSame(ann.heard, bob.heard)
    a.io.emit('all')
    await until(() => cem.heard.length === 1)
    t.strictSame(cem.heard, [['all']])
    for (let index = 0; index < 200; index++) a.io.to('room').emit('count', index)
    await until(() => bob.heard.length === 202)
    t.ok(bob.heard.slice(2).every(([, value], index) => value === index), 'in order')
    b.io.local.to('room').emit('here')
    await until(() => bob.heard.at(-1)?.[0] === 'here')
    await wait(50)
    t.not(ann.heard.at(-1)?.[0], 'here')
  })

  t.test(`${mode}: sockets of another node can be moved and closed; the number of nodes is known`, async t => {
    const { a, b, bob } = await startTwo(t)
    t.equal(await a.io.of('/').adapter.serverCount(), 2)
    a.io.in('room').socketsJoin('other')
    await untilHeard(a, 'other', bob)
    a.io.in('other').socketsLeave('room')
    let served = 0
    b.io.on('hello', () => { served++ })
    a.io.serverSideEmit('hello')
    await until(() => served === 1)
    a.io.in(bob.socket.id!).disconnectSockets(true)
    await until(() => !bob.socket.connected)
    await a.clients.close()
    await t.rejects(a.io.of('/').adapter.serverCount())
  })

  t.test(`${mode}: junk kills nobody, tells nothing and is counted`, async t => {
    const { server, a, b, ann, bob } = await startTwo(t)
    const stranger = (await openClients(t, server.url)).publisher
    const listener = (await openClients(t, server.url)).subscriber
    const leaks: string[] = []
    listener.on('pmessage', (_: string, channel: string, text: string) => { if (text.includes('secret-token')) leaks.push(channel) })
    await listener.psubscribe('socket.io*')
    const publish = (channel: string, frame: Buffer | string) => sharded ? stranger.spublish(channel, frame) : stranger.publish(channel, frame)
    const dropped = ({ counted }: Node) => [counted('dropped_frames', 'adapter_forged'), counted('dropped_frames', 'adapter_junk')]

    const channels = sharded ? ['socket.io#/#', 'socket.io#/#room#'] : ['socket.io#/#', 'socket.io#/#room#', 'socket.io-request#/#', 'socket.io-response#/#']
    const wrong = (sharded ? shardedFrames : [...classicFrames, ...classicRequests]).map(frame => JSON.stringify(frame))
    // Whole, and as a node would say it, but for the tag; and a frame of ours on the wrong channel.
    const whole = JSON.stringify(sharded ? message : ['x', packet, opts])
    let [forged, junk] = [0, 0]
    for (const channel of channels) {
      const forgeries = [...noise(1000 / channels.length), ...wrong, whole, seal.wrap('socket.io#/#other#', whole)]
      await Promise.all([...forgeries, ...wrong.map(frame => seal.wrap(channel, frame))].map(frame => publish(channel, frame)))
      forged += forgeries.length
      junk += wrong.length
    }
    t.ok(forged >= 1000)
    await until(() => [a, b].every(node => dropped(node).every((count, index) => count >= [forged, junk][index]!)))
    t.strictSame([ann.heard, bob.heard], [[], []])
    t.ok(ann.socket.connected && bob.socket.connected)
    t.strictSame(leaks, [])
    a.io.to('room').emit('still', 1)
    b.io.to('room').emit('here', 2)
    await until(() => ann.heard.length === 2 && bob.heard.length === 2)
    t.same(dropped(a), [forged, junk], 'what is ours is neither')

    // Sound in shape, and yet more than the adapter can take: a listener of its own throws, now and later.
    b.io.on('crash', () => { throw new Error('listener') })
    const crash = sharded ? { uid: 'x', nsp: '/', type: 9, data: { packet: ['crash'] } } : { uid: 'x', type: 6, data: ['crash'] }
    const channel = sharded ? 'socket.io#/#' : 'socket.io-request#/#'
    await publish(channel, seal.wrap(channel, JSON.stringify(crash)))
    await until(() => b.counted('dropped_frames', 'adapter_junk') === junk + 1)
    t.match(b.reports.at(-1), { what: 'take a frame of another node', error: { message: 'listener' } })
  })

  t.test(`${mode}: what cannot travel as JSON reaches this node only, and is reported`, async t => {
    const { a, ann, bob } = await startTwo(t)
    const event = sharded ? Buffer.from('binary') : 10n
    if (!sharded) {
      t.throws(() => a.io.to('room').emit('news', event), TypeError)
      return
    }
    a.io.to('room').emit('news', event)
    await until(() => ann.heard.length === 1)
    await until(() => a.counted('dropped_frames', 'adapter_publish') === 1)
    t.match(a.reports.at(-1), { what: 'publish to other nodes', error: TypeError })
    t.strictSame(bob.heard, [])
  })

  t.test(`${mode}: Redis dies and comes back: nothing unhandled, and events cross again, into new rooms too`, async t => {
    const { server, a, b, ann, bob } = await startTwo(t)
    for (let round = 0; round < 2; round++) {
      server.kill()
      await until(() => [a, b].every(({ clients }) => clients.publisher.status !== 'ready' && clients.subscriber.status !== 'ready'))
      ann.heard.length = 0
      for (let index = 0; index < 20; index++) a.io.to('room').emit('alone', index)
      await until(() => ann.heard.length === 20)
      t.ok(a.counted('dropped_frames', 'adapter_publish') >= 20, 'counted')
      const cem = await b.guest(`room ${round}`)
      await server.restart()
      await untilHeard(a, 'room', bob)
      await untilHeard(b, 'room', ann)
      await untilHeard(a, `room ${round}`, cem)
      t.strictSame(bob.heard, [], 'what was lost is lost')
    }
  })

  t.test(`${mode}: a paused Redis holds up nobody here`, async t => {
    const { server, a, ann, bob } = await startTwo(t)
    server.kill('SIGSTOP')
    a.io.to('room').emit('here')
    await until(() => ann.heard.length === 1)
    t.equal(a.counted('dropped_frames', 'adapter_publish'), 0, 'heard before Redis was given up')
    await wait(1500)
    server.kill('SIGCONT')
    await untilHeard(a, 'room', bob)
    t.pass('and goes on')
  })

  t.test(`${mode}: closing while Redis is away is clean`, async t => {
    const { server, a, b, ann } = await startTwo(t)
    server.kill()
    await until(() => a.clients.subscriber.status !== 'ready')
    await new Promise<void>(resolve => { a.io.close(() => resolve()) })
    await until(() => !(ann.socket as Socket).connected)
    await a.clients.close()
    await b.clients.close()
    b.io.to('room').emit('late')
    await wait(100)
    t.pass('nothing was thrown')
  })
}

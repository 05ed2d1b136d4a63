import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import t, { type Test } from 'tap'
import { migrate } from '../../stores/postgres/migrate.ts'
import { createDatabase, createTemplate, startServer } from '../support/servers.ts'
import { counter } from './copies.ts'
import { guest, openCafe, within } from './crowd.ts'
import type { Told } from './records.ts'
import { size } from './sizes.ts'
import { environment } from './stage.ts'

const STUCK = 50
const READERS = 4
const PER_SECOND = 100
/** Everybody reads, and nothing is measured: a node that has just started is slow at first. */
const WARM_UP = size.balanced === undefined ? 1 : 3
/** A turn, and how much longer it may be until all who do not read are cut: what the system buffers for them, up to tens of megabytes each, is not klatsch's. */
const SECONDS = size.balanced === undefined ? 6 : 10
const LONGER = 30
/** A single p99 is mostly what else the machine did then: a comparison needs many of them in turns, and the machine for itself. */
const TURNS = size.balanced === undefined ? 1 : 11
t.setTimeout(60_000 + TURNS * 60_000)

/** Of a message, in UTF-8. */
const BYTES = 12_000
const MEGABYTE = 1024 * 1024

/** The WebSocket below a client. */
interface Wire { pause: () => void, resume: () => void, readyState: number, OPEN: number }
const wireOf = (socket: Socket) => (socket as unknown as { io: { engine: { transport: { ws: Wire } } } }).io.engine.transport.ws

const residentBytes = (pid: number) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

function percentile (numbers: number[], part: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * part) - 1]!
}

/** One client that keeps the numbers of what it hears, folded as clients do, and joins again from where it was. */
function listen (url: string, token: string, cafeId: string) {
  const list = new Set<number>()
  const state = { socket: io(url, { forceNew: true, transports: ['websocket'], reconnectionDelay: 100, auth: { token } }), list, rev: undefined as number | undefined, joins: 0, doubled: 0, disordered: 0 }
  function join () {
    state.socket.emit('join:cafe', state.rev === undefined ? { cafeId } : { cafeId, since: state.rev }, ({ ok }: { ok: boolean }) => {
      if (ok) state.joins++
      else setTimeout(join, 500)
    })
  }
  state.socket.on('connect', join)
  state.socket.on('message:history', ({ messages, rev, recovered }: { messages: Told[], rev: number, recovered: boolean }) => {
    if (!recovered) list.clear()
    for (const { seq } of messages) list.add(seq)
    state.rev = rev
  })
  state.socket.on('message:new', ({ message, rev }: { message: Told, rev: number }) => {
    if (list.has(message.seq)) state.doubled++
    if (rev !== state.rev! + 1) state.disordered++
    list.add(message.seq)
    state.rev = rev
  })
  return state
}

/** A fresh node and one busy cafe, in which some read and some do not in their turn. */
async function open (t: Test, stuck: number) {
  const databaseUrl = await createDatabase(t, await createTemplate('klatsch', migrate))
  const node = await startServer(t, { ...environment, DATABASE_URL: databaseUrl, CHAT_LIMITS: 'off', CHAT_MESSAGE_MAX_LENGTH: '4000', CHAT_CACHE_SIZE: '1000', PG_TIMEOUT: '5000' })
  const founder = await guest(node, 'founder')
  const cafeId = await openCafe(node, founder)
  const sessions = await Promise.all(Array.from({ length: READERS + STUCK }, (_, index) => guest(node, `client ${index}`)))
  const members = sessions.map(({ token }) => listen(node.url, token, cafeId))
  t.teardown(() => { for (const { socket } of members) socket.disconnect() })
  await within('all have joined', () => members.every(({ joins }) => joins === 1), 20_000)
  const readers = members.slice(0, READERS)
  const sleepers = members.slice(READERS, READERS + stuck)
  // Those who neither stick nor read on purpose are not there: both nodes serve as many connections at first.
  for (const { socket } of members.slice(READERS + stuck)) socket.disconnect()

  let deliveries: number[] = []
  const sentAt = new Map<string, number>()
  for (const { socket } of readers) {
    socket.on('message:new', ({ message: { clientId } }: { message: Told & { clientId: string } }) => {
      deliveries.push(performance.now() - sentAt.get(clientId)!)
    })
  }
  let sends = 0
  async function talk (seconds: number) {
    const acks: Array<Promise<{ ok: boolean }>> = []
    const began = performance.now()
    for (let index = 0; index < PER_SECOND * seconds; index++) {
      const clientId = `send ${sends++}`
      sentAt.set(clientId, performance.now())
      const content = `${sends} `.padEnd(BYTES / 3, '☕')
      acks.push(readers[index % READERS]!.socket.timeout(10_000).emitWithAck('message:send', { cafeId, content, clientId }))
      await delay(began + (index + 1) * 1000 / PER_SECOND - performance.now())
    }
    t.ok((await Promise.all(acks)).every(({ ok }) => ok), `${acks.length} sends of ${BYTES} bytes, ${seconds} s, all acked`)
    await within('the readers have heard them', () => readers.every(({ list }) => list.size === sends))
  }
  await talk(WARM_UP)
  const p99s: number[] = []
  let [cuts, grown] = [0, 0]
  const countCuts = () => counter(node, 'chat_slow_consumers_total')

  async function takeTurn () {
    deliveries = []
    const before = residentBytes(node.pid)
    const watching = setInterval(() => { grown = Math.max(grown, residentBytes(node.pid) - before) }, 50)
    t.teardown(() => clearInterval(watching))
    const wires = sleepers.map(({ socket }) => wireOf(socket))
    for (const wire of wires) wire.pause()
    cuts += stuck
    await talk(SECONDS)
    for (let more = 0; more < LONGER && await countCuts() < cuts; more++) await talk(1)
    clearInterval(watching)
    p99s.push(percentile(deliveries, 0.99))
    t.equal(await countCuts(), cuts, 'who does not read is cut, nobody else')
    // Some may have been told already.
    for (const wire of wires) if (wire.readyState === wire.OPEN) wire.resume()
    await within('they are back', () => sleepers.every(({ joins, rev }) => joins === 1 + cuts / stuck && rev === sends), 20_000)
    await delay(500)
  }

  async function close () {
    // More than a page was missed, so a client may have begun anew: from its oldest message on the list is whole.
    const whole = (list: Set<number>) => list.size >= 100 && Math.max(...list) === sends && Math.max(...list) - Math.min(...list) + 1 === list.size
    t.equal([...readers, ...sleepers].filter(({ list, doubled, disordered }) => !whole(list) || doubled > 0 || disordered > 0).length, 0, 'every list is whole and in order')
    const reasons = node.logs().split('\n').filter(line => line.includes('slow_consumer')).length
    t.equal(reasons, cuts, 'the log says of each why it was cut')
    for (const { socket } of members) socket.disconnect()
    t.equal(await node.stop(), 0)
    return { grown: grown / MEGABYTE, p99s }
  }
  return { takeTurn, close }
}

t.test(`${STUCK} members who stop reading`, async t => {
  const [calm, flooded] = [await open(t, 0), await open(t, STUCK)]
  for (let turn = 0; turn < TURNS; turn++) {
    // Now the one first, now the other: whatever follows has the warmer machine.
    for (const node of turn % 2 === 0 ? [calm, flooded] : [flooded, calm]) await node.takeTurn()
  }
  const [without, stuck] = [await calm.close(), await flooded.close()]
  const more = stuck.grown - without.grown
  const ratio = percentile(stuck.p99s, 0.5) / percentile(without.p99s, 0.5)
  for (const [name, { grown, p99s }] of Object.entries({ without, stuck })) {
    t.comment(`${name}: ${grown.toFixed(1)} MB more in a turn at most, p99 from send to delivery ${p99s.map(ms => ms.toFixed(1)).join(', ')} ms`)
  }
  t.comment(`memory: ${more.toFixed(1)} MB more with ${STUCK} stuck members; p99 from send to delivery of the others: ${ratio.toFixed(2)} of that without them`)
  t.ok(more < 50, 'under 50 MB more')
  if (TURNS > 1) t.ok(ratio <= 1.2, 'the others are not slower')
})

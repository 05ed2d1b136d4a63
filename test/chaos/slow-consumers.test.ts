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
/** In `npm test` there are others who need the machine. */
const READERS = size.balanced === undefined ? 4 : 10
const PER_SECOND = 100
/** Everybody reads, and nothing is measured: a node that has just started is slow at first. */
const WARM_UP = size.balanced === undefined ? 1 : 3
/** In the full size long enough that the moment in which they are cut is no hundredth of it. */
const SECONDS = size.balanced === undefined ? 6 : 15
/** A comparison of times needs several rounds, and the machine for itself. */
const ROUNDS = size.balanced === undefined ? 1 : 5
t.setTimeout(60_000 + ROUNDS * 80_000)

/** Of a message, in UTF-8. */
const BYTES = 12_000
const MEGABYTE = 1024 * 1024

/** The TCP connection below a client on WebSocket. */
interface Wire { io: { engine: { transport: { ws: { _socket: { pause: () => void, resume: () => void } } } } } }
const wireOf = (socket: Socket) => (socket as unknown as Wire).io.engine.transport.ws._socket

const residentBytes = (pid: number) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

function percentile (numbers: number[], part: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * part) - 1]!
}

/** One client that keeps what it hears, folded as clients do, and joins again from where it was. */
function listen (url: string, token: string, cafeId: string) {
  const list = new Map<number, Told>()
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
    for (const message of messages) list.set(message.seq, message)
    state.rev = rev
  })
  state.socket.on('message:new', ({ message, rev }: { message: Told, rev: number }) => {
    if (list.has(message.seq)) state.doubled++
    if (rev !== state.rev! + 1) state.disordered++
    list.set(message.seq, message)
    state.rev = rev
  })
  return state
}

/** A fresh node, one busy cafe, and so many members who stop reading. */
async function flood (t: Test, stuck: number) {
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
  // Those who neither stick nor read on purpose are not there: both kinds of round serve as many connections at first.
  for (const { socket } of members.slice(READERS + stuck)) socket.disconnect()
  await delay(500)

  const deliveries: number[] = []
  const sentAt = new Map<string, number>()
  for (const { socket } of readers) {
    socket.on('message:new', ({ message: { clientId } }: { message: Told & { clientId: string } }) => {
      const at = sentAt.get(clientId)
      if (at !== undefined) deliveries.push(performance.now() - at)
    })
  }
  const sends: Array<Promise<unknown>> = []
  async function talk (seconds: number, isMeasured: boolean) {
    const began = performance.now()
    for (let index = 0; index < PER_SECOND * seconds; index++) {
      const clientId = `send ${sends.length}`
      if (isMeasured) sentAt.set(clientId, performance.now())
      const content = `${sends.length} `.padEnd(BYTES / 3, '☕')
      sends.push(readers[index % READERS]!.socket.timeout(10_000).emitWithAck('message:send', { cafeId, content, clientId }))
      await delay(began + (index + 1) * 1000 / PER_SECOND - performance.now())
    }
  }
  await talk(WARM_UP, false)
  const before = residentBytes(node.pid)
  let peak = before
  const watching = setInterval(() => { peak = Math.max(peak, residentBytes(node.pid)) }, 50)
  t.teardown(() => clearInterval(watching))
  for (const { socket } of sleepers) wireOf(socket).pause()
  await talk(SECONDS, true)
  const acks = await Promise.all(sends) as Array<{ ok: boolean }>
  t.ok(acks.every(({ ok }) => ok), `${acks.length} sends of ${BYTES} bytes, ${SECONDS} s, all acked`)
  await within('the readers have heard them', () => readers.every(({ list }) => list.size === acks.length))
  await within('who does not read is cut', async () => await counter(node, 'chat_slow_consumers_total') === stuck, 5000)
  clearInterval(watching)

  for (const { socket } of sleepers) wireOf(socket).resume()
  await within('they are back', () => sleepers.every(({ joins, rev }) => joins === 2 && rev === acks.length), 20_000)
  // More than a page was missed, so a client may have begun anew: from its oldest message on the list is whole.
  const whole = (list: Map<number, Told>) => list.size >= 100 && Math.max(...list.keys()) === acks.length && Math.max(...list.keys()) - Math.min(...list.keys()) + 1 === list.size
  t.equal([...readers, ...sleepers].filter(({ list, doubled, disordered }) => !whole(list) || doubled > 0 || disordered > 0).length, 0, 'every list is whole and in order')
  const reasons = node.logs().split('\n').filter(line => line.includes('slow_consumer')).length
  t.equal(reasons, stuck, 'the log says of each why it was cut')
  for (const { socket } of members) socket.disconnect()
  t.equal(await node.stop(), 0)
  return { grown: (peak - before) / MEGABYTE, p50: percentile(deliveries, 0.5), p99: percentile(deliveries, 0.99) }
}

t.test(`${STUCK} members who stop reading`, async t => {
  const rounds: Array<{ without: Awaited<ReturnType<typeof flood>>, stuck: Awaited<ReturnType<typeof flood>> }> = []
  for (let round = 0; round < ROUNDS; round++) rounds.push({ without: await flood(t, 0), stuck: await flood(t, STUCK) })
  const median = (read: (round: typeof rounds[number]) => number) => percentile(rounds.map(read), 0.5)
  const more = median(({ without, stuck }) => stuck.grown - without.grown)
  const ratio = median(({ without, stuck }) => stuck.p99 / without.p99)
  t.comment(JSON.stringify(rounds.map(({ without, stuck }) => ({ without, stuck })), (_, value: unknown) => typeof value === 'number' ? Math.round(value * 10) / 10 : value))
  t.comment(`memory: ${more.toFixed(1)} MB more with ${STUCK} stuck members; p99 from send to delivery of the others: ${ratio.toFixed(2)} of that without them`)
  t.ok(more < 50, 'under 50 MB more')
  if (ROUNDS > 1) t.ok(ratio <= 1.2, 'the others are not slower')
})

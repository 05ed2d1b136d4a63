/** The load generator: a process of its own that takes orders by IPC, one after another. */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Order, Plan, Report, Sample } from './plan.ts'
import { openStock } from './stock.ts'
import { openWire, type Wire } from './wire.ts'

interface Room { cafeId: string, sends: number }

interface Client {
  room: Room
  wire: Wire
  number: number
  /** of the last change heard */
  rev: number
  /** since the last time everybody had everything */
  heard: number
  isSender: boolean
  inFlight: number
  sent: number
  wrong: boolean
  /** when its sends were due, by their numbers */
  due: Map<number, number>
  /** whose sends it takes the time of */
  times?: Client
}

const AT_ONCE = 50
/** Who gets no ack for its join asks again, because the server may not have listened yet. */
const JOIN_AGAIN_MS = 500
const SETTLE_MS = 20_000
const MAX_LATENCIES = 1_000_000
const [EVENT, ACK, ZERO, NINE] = [0x32, 0x33, 0x30, 0x39]
const [M, N] = [0x6d, 0x6e]

let plan: Plan
const clients: Client[] = []
const counts = { sends: 0, acks: 0, deliveries: 0, refused: 0 }
const latencies: number[] = []
const state: { talking: boolean, perSecond: number | undefined } = { talking: false, perSecond: undefined }

process.on('message', (order: Order) => {
  obey(order).then(answer, (error: Error) => answer({ is: 'failed', reason: error.stack ?? error.message }))
})
process.on('disconnect', () => process.exit())

function answer (answer: Answer) { process.send!(answer) }

async function obey (order: Order): Promise<Answer> {
  if (order.do === 'open') return open(order.plan)
  if (order.do === 'sample') return { is: 'sample', sample: sample() }
  if (order.do === 'finish') return { is: 'finished', report: await finish() }
  const { perSecond } = order
  Object.assign(state, { talking: true, perSecond })
  if (perSecond === undefined) for (const client of clients) fill(client)
  else keepTo(perSecond)
  return { is: 'talking' }
}

async function open (given: Plan): Promise<Answer> {
  plan = given
  const seats = plan.rooms.flatMap(({ cafeId, members, senders }) => {
    const room = { cafeId, sends: 0 }
    return Array.from({ length: members }, (_, index) => ({ room, isSender: index < senders }))
  })
  const { atOnce = AT_ONCE } = plan
  for (let start = 0; start < seats.length; start += atOnce) {
    await Promise.all(seats.slice(start, start + atOnce).map((seat, index) => enter(seat, start + index)))
  }
  const byNumber = new Map(clients.map(client => [client.number, client]))
  const next = plan.timedAt === 'neighbour' ? 1 : 0
  for (const client of clients) if (client.isSender) byNumber.get(client.number + next)!.times = client
  return { is: 'open' }
}

/** Connects and joins; resolves when it has joined. */
async function enter ({ room, isSender }: Pick<Client, 'room' | 'isSender'>, number: number) {
  await new Promise<void>((resolve, reject) => {
    const client: Client = { room, number, isSender, rev: 0, heard: 0, inFlight: 0, sent: 0, wrong: false, due: new Map(), wire: undefined as never }
    let again: NodeJS.Timeout | undefined
    const join = () => client.wire.send(`42${plan.acks ? '0' : ''}["join:cafe",{"cafeId":"${room.cafeId}"}]`)
    const greet = (bytes: Buffer, start: number, end: number) => {
      const text = bytes.toString('utf8', start, end)
      if (text.startsWith('0')) return client.wire.send(`40${JSON.stringify(plan.auths[number])}`)
      if (text.startsWith('44')) return reject(new Error(text))
      if (text.startsWith('40')) {
        if (!plan.acks) again = setInterval(join, JOIN_AGAIN_MS)
        return join()
      }
      if (!text.startsWith(plan.acks ? '430[' : '42["message:history"')) return
      clearInterval(again)
      if (plan.acks) {
        const [ack] = JSON.parse(text.slice(3)) as [{ ok: boolean, data: { rev: number } }]
        if (!ack.ok) return reject(new Error(text))
        client.rev = ack.data.rev
      }
      listen = (bytes, start, end) => hear(client, bytes, start, end)
      resolve()
    }
    let listen = greet
    const onClose = () => {
      client.wrong = true
      reject(new Error('closed by the server'))
    }
    const open = plan.stock === true ? openStock : openWire
    open(plan.urls[number % plan.urls.length]!, (bytes, start, end) => listen(bytes, start, end), onClose).then(wire => {
      client.wire = wire
      clients.push(client)
    }, reject)
  })
}

/** The hot path: no text is made of what comes. */
function hear (client: Client, bytes: Buffer, start: number, end: number) {
  if (bytes[start + 1] === ACK) return hearAck(client, bytes, start, end)
  // 42["message:new",...,"rev":N}]
  if (bytes[start + 1] !== EVENT || bytes[start + 4] !== M || bytes[start + 12] !== N) return
  counts.deliveries++
  client.heard++
  if (plan.ordered) {
    const rev = numberBefore(bytes, end - 2)
    if (rev !== client.rev + 1) client.wrong = true
    client.rev = rev
  }
  if (client.times !== undefined && (state.perSecond !== undefined || !plan.acks)) hearTimed(client.times, bytes, start, end)
}

function numberBefore (bytes: Buffer, end: number): number {
  let value = 0
  for (let at = end - 1, unit = 1; bytes[at]! >= ZERO && bytes[at]! <= NINE; at--, unit *= 10) value += (bytes[at]! - ZERO) * unit
  return value
}

function hearAck (client: Client, bytes: Buffer, start: number, end: number) {
  if (find(bytes, start, end, '"ok":true') < 0) {
    counts.refused++
    client.room.sends--
  }
  conclude(client)
}

function conclude (client: Client) {
  counts.acks++
  client.inFlight--
  if (state.perSecond === undefined) fill(client)
}

/** Something by this author? */
function hearTimed (author: Client, bytes: Buffer, start: number, end: number) {
  const mark = `"content":"${author.number} `
  const found = find(bytes, start, end, mark)
  if (found < 0) return
  if (!plan.acks) conclude(author)
  if (state.perSecond === undefined) return
  const from = found + mark.length
  const number = Number.parseInt(bytes.toString('latin1', from, from + 10), 10)
  const due = author.due.get(number)
  if (due === undefined) return
  author.due.delete(number)
  if (latencies.length < MAX_LATENCIES) latencies.push(performance.now() - due)
}

/** Where the text begins between `start` and `end`; -1 where it is not. */
function find (bytes: Buffer, start: number, end: number, text: string): number {
  const found = bytes.subarray(start, end).indexOf(text)
  return found < 0 ? found : start + found
}

function fill (client: Client) {
  while (state.talking && client.isSender && client.inFlight < plan.inFlight) send(client)
}

function send (client: Client, due?: number) {
  const { room, number, wire } = client
  const sent = ++client.sent
  client.inFlight++
  room.sends++
  counts.sends++
  if (due !== undefined) client.due.set(sent, due)
  wire.send(`42${plan.acks ? sent : ''}["message:send",{"cafeId":"${room.cafeId}","content":"${number} ${sent} and what else there is to say in a cafe","clientId":"${process.pid}-${number}-${sent}"}]`)
}

/** Sends when they are due, whatever has become of those before: who waits for a slow server would not see how slow it is. */
async function keepTo (perSecond: number) {
  const senders = clients.filter(({ isSender }) => isSender)
  const began = performance.now()
  for (let sent = 0; state.talking;) {
    const now = performance.now()
    for (let due = began + sent * 1000 / perSecond; due <= now; due = began + sent * 1000 / perSecond) send(senders[sent++ % senders.length]!, due)
    await delay(1)
  }
}

function sample (): Sample {
  const { user, system } = process.cpuUsage()
  return { sends: counts.sends, acks: counts.acks, deliveries: counts.deliveries, busy: (user + system) / 1000, at: performance.now() }
}

/** Stops sending, waits until everybody has everything, and compares. */
async function finish (): Promise<Report> {
  state.talking = false
  const isComplete = ({ heard, room, inFlight }: Client) => heard === room.sends && inFlight === 0
  for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline && !clients.every(client => client.wrong || isComplete(client));) await delay(10)
  // Whatever would come twice has time to come.
  await delay(200)
  const report = { sends: counts.sends, refused: counts.refused, wrong: clients.filter(client => client.wrong || !isComplete(client)).length, latencies: latencies.splice(0) }
  for (const client of clients) {
    client.heard = 0
    client.wrong = false
  }
  for (const { room } of clients) room.sends = 0
  return report
}

import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { within } from './crowd.ts'
import { setUpOwn } from './postgres.ts'
import { size } from './sizes.ts'
import { hold, run } from './stage.ts'

/** Of what the crowd asks for in other tests. */
const LOAD = 0.3
/** Each of them writes down all that it hears. */
const MOST_CLIENTS = 100
const FAULT_MS = size.balanced === undefined ? 500 : 3000
const CALM_MS = size.balanced === undefined ? 1000 : 10_000
/** Fewer say nothing about growth. */
const FEWEST_SAMPLES = 12
/** The last third of the time may need so much more than the second one. */
const GROWTH = 1.1

/** What one node needs, which no fault takes down, and what Redis holds for all, while nothing is broken. `pool`: connections to PostgreSQL, which come and go with the load. */
interface Sample { at: number, rssMb: number, heapMb: number, keys: number, timers: number, sockets: number, clients: number, pool: number }

t.setTimeout(size.soakSeconds * 1000 + 180_000)

t.test(`${size.soakSeconds} seconds of talk and of whatever may break, in any order`, async t => {
  const stage = await setUpOwn(t, { nodes: 3, clients: Math.min(size.clients, MOST_CLIENTS) })
  const { crowd, nodes, redis, postgres } = stage
  const operator = new Redis(redis.url)
  // It is told what becomes of its server, which is what happens here.
  operator.on('error', () => {})
  t.teardown(() => operator.disconnect())

  const pause = async (server: { kill: (signal: NodeJS.Signals) => void }) => {
    server.kill('SIGSTOP')
    await delay(FAULT_MS)
    server.kill('SIGCONT')
  }
  const absent = async (server: { kill: () => void, restart: () => Promise<void> }) => {
    server.kill()
    await delay(FAULT_MS)
    await server.restart()
  }
  // Node 0 is the one that is measured.
  const faults: Record<string, () => Promise<unknown>> = {
    'Redis killed': () => absent(redis),
    'Redis paused': () => pause(redis),
    'Redis emptied': () => operator.flushall(),
    'subscribers ended': () => operator.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'PostgreSQL killed': () => absent(postgres),
    'PostgreSQL paused': () => pause(postgres),
    'node killed': () => stage.replace(1),
    'node restarted': () => stage.restart(2),
    'node paused': () => pause(nodes[1]!),
    'clients cut': async () => { for (const { socket } of crowd.members) if (Math.random() < 0.5) socket.io.engine.close() }
  }

  async function sample (): Promise<Sample> {
    const [metrics, keys] = await Promise.all([fetch(`${nodes[0]!.url}/metrics`).then(response => response.text()), operator.dbsize()])
    const read = (name: string, labels = '') => Number(new RegExp(`^${name}(?:\\{${labels}[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1])
    return {
      at: Date.now(),
      rssMb: read('process_resident_memory_bytes') / 2 ** 20,
      heapMb: read('nodejs_heap_size_used_bytes') / 2 ** 20,
      keys,
      timers: read('nodejs_active_resources', 'type="Timeout"'),
      sockets: read('nodejs_active_resources', 'type="TCPSocketWrap"'),
      clients: read('chat_connections'),
      pool: read('chat_postgres_connections')
    }
  }

  const samples: Sample[] = []
  const done: string[] = []
  const typing = setInterval(() => {
    const { socket, record: { cafeId } } = crowd.members[Math.floor(Math.random() * crowd.members.length)]!
    if (socket.connected) socket.emit('typing:start', { cafeId })
  }, 200)
  t.teardown(() => clearInterval(typing))

  const verdict = await run(t, stage, async () => {
    const until = Date.now() + size.soakSeconds * 1000
    samples.push(await sample())
    while (Date.now() < until) {
      for (const name of shuffle(Object.keys(faults))) {
        if (Date.now() > until) break
        await faults[name]!()
        done.push(name)
        await within('all are back', () => crowd.members.every(({ joined }) => joined), 60_000)
        await delay(CALM_MS)
        samples.push(await sample())
      }
    }
  }, { perSecond: size.perSecond * LOAD })
  clearInterval(typing)

  t.comment(`${done.length} faults: ${Object.keys(faults).map(name => `${name} ${done.filter(one => one === name).length}`).join(', ')}`)
  hold(t, verdict)
  const rows = samples.filter((_, index) => index % Math.ceil(samples.length / 12) === 0 || index === samples.length - 1)
  for (const { at, rssMb, heapMb, keys, timers, sockets, clients } of rows) {
    t.comment(`after ${Math.round((at - samples[0]!.at) / 1000)} s: RSS ${rssMb.toFixed(0)} MB, heap ${heapMb.toFixed(0)} MB, ${keys} keys, ${timers} timers, ${sockets} sockets, ${clients} clients`)
  }
  const third = Math.floor(samples.length / 3)
  const grow = (what: string, of: (sample: Sample) => number, sum: (values: number[]) => number) => {
    const [before, after] = [samples.slice(third, 2 * third), samples.slice(-third)].map(part => sum(part.map(of))) as [number, number]
    t.comment(`${what}: ${before.toFixed(1)} in the second third, ${after.toFixed(1)} in the last`)
    t.ok(Number.isFinite(after))
    if (samples.length >= FEWEST_SAMPLES) t.ok(after <= before * GROWTH + 1, `${what} does not grow`)
  }
  // What leaks is there at the calmest moment too; what else there is depends on the fault before and on the garbage of the moment.
  grow('heap, MB', ({ heapMb }) => heapMb, least)
  // What a process had once it gives back when it likes; Redis is emptied again and again: of both what counts is the most.
  grow('RSS, MB', ({ rssMb }) => rssMb, most)
  grow('keys', ({ keys }) => keys, most)
  grow('timers for a client', ({ timers, clients }) => timers / clients, least)
  grow('sockets beside those of clients and of the pool', ({ sockets, clients, pool }) => sockets - clients - pool, least)
})

const shuffle = <T>(list: T[]) => list.map(one => ({ one, at: Math.random() })).sort((a, b) => a.at - b.at).map(({ one }) => one)
const least = (values: number[]) => Math.min(...values)
const most = (values: number[]) => Math.max(...values)

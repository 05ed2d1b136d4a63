/**
 * What people cost who come, stay, type and go: `npm run bench:presence`. Redis work for one join, leave and heartbeat in rooms of
 * several sizes; bytes for each client while 2,000 come; CPU for a burst of typing; memory for a member. It takes about a minute.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import { createRedisClients } from '../stores/redis/clients.ts'
import { createPresence } from '../stores/redis/presence.ts'
import type { Scope } from '../test/support/servers.ts'
import { ask, connect, cpuMs, createScope, openCafe, redisWork, residentBytes, startRig } from './rig.ts'

const SIZES = [10, 100, 1000, 5000]
const TIMES = 25
const STORM = 2000
const STORM_MS = 10_000
const BURSTS = 1000
const TYPING_ROOM = 20

const people = (count: number, cafeId: string) => Array.from({ length: count }, (_, index) => ({ cafeId, user: { id: randomUUID(), username: `guest ${index}` } }))
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
const print = (...cells: Array<string | number>) => console.log(cells.map((cell, index) => index === 0 ? String(cell).padEnd(34) : String(cell).padStart(12)).join(''))

/** Another node, which the measured one does not know but by Redis, has so many in a cafe. */
async function fill (scope: Scope, redisUrl: string, cafeId: string, count: number) {
  const clients = createRedisClients(redisUrl, 4, { warn () {}, info () {} })
  scope.teardown(() => clients.close())
  await clients.ready()
  const presence = createPresence(() => clients.data[0]!, randomUUID(), 300_000)
  await presence.sync(people(count, cafeId))
  return presence
}

async function measureRedis () {
  const scope = createScope()
  const { server, redis, redisUrl } = await startRig(scope)
  print('Redis work, median', 'scripts', 'all calls', 'bytes')
  for (const size of SIZES) {
    const cafeId = await openCafe(server)
    const filler = await fill(scope, redisUrl, cafeId, size)
    await ask(await connect(scope, server, 'first'), 'join:cafe', { cafeId })
    const newcomers: Socket[] = []
    for (let index = 0; index < TIMES; index++) newcomers.push(await connect(scope, server, `newcomer ${index}`))
    await delay(1000)
    for (const event of ['join:cafe', 'leave:cafe']) {
      await report(`${event}, ${size} members`, newcomers.map(socket => async () => {
        await ask(socket, event, { cafeId })
        // What it tells other nodes follows the ack.
        await delay(30)
      }))
    }
    await report(`heartbeat of a node with ${size}`, Array.from({ length: TIMES }, () => () => filler.beat()))
    await filler.release()
  }
  await scope.close()

  async function report (name: string, steps: Array<() => Promise<unknown>>) {
    const rounds = []
    for (const step of steps) {
      const before = await redisWork(redis)
      await step()
      const after = await redisWork(redis)
      rounds.push({ scripts: after.scripts - before.scripts, calls: after.calls - before.calls, bytes: after.bytes - before.bytes - await selfBytes() })
    }
    print(name, median(rounds.map(({ scripts }) => scripts)), median(rounds.map(({ calls }) => calls)), median(rounds.map(({ bytes }) => bytes)))
  }

  /** What it takes to ask. */
  async function selfBytes () {
    const before = await redisWork(redis)
    return (await redisWork(redis)).bytes - before.bytes
  }
}

async function measureStorm () {
  const scope = createScope()
  const { server, redis } = await startRig(scope)
  const cafeId = await openCafe(server)
  const sockets: Socket[] = []
  for (let index = 0; index < STORM; index += 50) sockets.push(...await Promise.all(Array.from({ length: 50 }, (_, n) => connect(scope, server, `guest ${index + n}`))))
  await delay(2000)
  const bytes = new Map(sockets.map(socket => [socket, 0]))
  for (const socket of sockets) socket.io.engine.on('packet', ({ data }) => { bytes.set(socket, bytes.get(socket)! + (typeof data === 'string' ? data.length : 0)) })
  const [memory, redisMemory, cpu, began] = [residentBytes(server.pid), await used(), cpuMs(server.pid), Date.now()]
  const joins = []
  for (const [index, socket] of sockets.entries()) {
    joins.push(ask(socket, 'join:cafe', { cafeId }))
    await delay(began + (index + 1) * STORM_MS / STORM - Date.now())
  }
  await Promise.all(joins)
  await delay(2000)
  const heard = [...bytes.values()].toSorted((a, b) => a - b)
  console.log()
  print(`${STORM} joins in ${STORM_MS / 1000} s, one cafe`, 'median', 'most')
  print('bytes heard by a client', heard[STORM / 2]!, heard.at(-1)!)
  print('CPU of the node for a join, us', Math.round((cpuMs(server.pid) - cpu) * 1000 / STORM))
  print('memory of the node for a member', Math.round((residentBytes(server.pid) - memory) / STORM))
  print('memory of Redis for a member', Math.round((await used() - redisMemory) / STORM))
  await scope.close()

  async function used () {
    return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))![1])
  }
}

async function measureTyping () {
  const scope = createScope()
  const { server, redis } = await startRig(scope)
  const cafeId = await openCafe(server)
  const sockets = await Promise.all(Array.from({ length: TYPING_ROOM }, (_, index) => connect(scope, server, `typist ${index}`)))
  for (const socket of sockets) await ask(socket, 'join:cafe', { cafeId })
  await delay(1000)
  const [cpu, work] = [cpuMs(server.pid), await redisWork(redis)]
  for (let index = 0; index < BURSTS; index++) {
    const socket = sockets[index % TYPING_ROOM]!
    for (const event of ['typing:start', 'typing:start', 'typing:stop']) await ask(socket, event, { cafeId })
  }
  console.log()
  print(`a burst of typing, room of ${TYPING_ROOM}`)
  print('CPU of the node, us', Math.round((cpuMs(server.pid) - cpu) * 1000 / BURSTS))
  print('calls of Redis', ((await redisWork(redis)).calls - work.calls) / BURSTS)
  await scope.close()
}

await measureRedis()
await measureStorm()
await measureTyping()
process.exit()

import type { Scope } from '../../test/support/servers.ts'
import { startBare, startKlatsch, startLiteralServer, type Contestant } from '../contestants.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { withScope } from '../rig.ts'
import { HOT, inTurns, MANY, seat, type Measured, type Work } from '../rounds.ts'

type Cost = 'perDelivery' | 'perSend'

/** The first is the yardstick. */
type Start = (scope: Scope) => Promise<Contestant[]>

/** One node beside bare Socket.IO, and beside itself without what makes it fast. */
const startAll: Start = async scope => [
  await startBare(scope, { name: 'bare Socket.IO' }),
  await startKlatsch(scope, { name: 'klatsch, memory' }),
  await startKlatsch(scope, { name: 'klatsch, Redis', redis: true }),
  await startKlatsch(scope, { name: 'klatsch, memory, `SOCKET_WRITE_COALESCING=off`', env: { SOCKET_WRITE_COALESCING: 'off' } }),
  await startKlatsch(scope, { name: 'klatsch, memory, `CHAT_SEND_BATCH=1`', env: { CHAT_SEND_BATCH: '1' } })
]

export const hot = (rounds: number) => compare(async scope => [
  ...await startAll(scope),
  await startBare(scope, { name: 'floor: corked writes of a prepared frame', env: { FLOOR: '1' } })
], HOT, 'perDelivery', rounds)

/** Much of what a small cafe costs is garbage: with room for it both sides are cheaper. */
const ROOM_FOR_GARBAGE = { NODE_OPTIONS: '--max-semi-space-size=64' }

export const many = (rounds: number) => compare(async scope => [
  ...await startAll(scope),
  await startBare(scope, { name: 'bare Socket.IO, `--max-semi-space-size=64`', env: ROOM_FOR_GARBAGE }),
  await startKlatsch(scope, { name: 'klatsch, memory, `--max-semi-space-size=64`', env: ROOM_FOR_GARBAGE })
], MANY, 'perSend', rounds)

const startLiterally: Start = async scope => [
  await startLiteralServer(scope, { name: 'the literal server' }),
  await startKlatsch(scope, { name: 'klatsch, Redis', redis: true })
]

export const literal = (rounds: number) => compare(startLiterally, MANY, 'perSend', rounds)

export const crowdedLiteral = (rounds: number) => compare(startLiterally, HOT, 'perSend', rounds)

export const nodes = (rounds: number) => compare(async scope => [
  await startBare(scope, { name: 'two bare nodes, @socket.io/redis-adapter', redis: true, nodes: 2 }),
  await startKlatsch(scope, { name: 'two nodes of klatsch', redis: true, nodes: 2 })
], HOT, 'perDelivery', rounds)

/** Closed loops in turns: CPU for what was done, beside the yardstick's of the same round. */
function compare (start: Start, work: Work, cost: Cost, rounds: number): Promise<Result> {
  return withScope(async scope => {
    const contestants = await start(scope)
    const measured = await inTurns(await seat(scope, contestants, work), rounds)
    const base = measured.get(contestants[0]!)!
    const of = (contestant: Contestant, figure: (measured: Measured, round: number) => number) => show(summarise(measured.get(contestant)!.map(figure)))
    const units = cost === 'perDelivery' ? work.members : 1
    const whole = ({ [cost]: nodes, storesPerSend }: Measured) => nodes + storesPerSend / units
    const found = table(
      ['server', `CPU µs ${cost === 'perDelivery' ? 'a delivery' : 'a send'}`, 'ratio', 'with PostgreSQL and Redis', 'sends/s', 'generator busy'],
      contestants.map(contestant => [
        contestant.name,
        of(contestant, measured => measured[cost]),
        of(contestant, (measured, round) => measured[cost] / base[round]![cost]),
        of(contestant, (measured, round) => whole(measured) / whole(base[round]!)),
        of(contestant, measured => measured.sendsPerSecond),
        of(contestant, measured => measured.generatorBusy)
      ])
    )
    return { table: found }
  })
}

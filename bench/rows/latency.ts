import type { Scope } from '../../test/support/servers.ts'
import { startBare, startKlatsch, type Contestant } from '../contestants.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { withScope } from '../rig.ts'
import { HOT, inTurns, seat, type Work } from '../rounds.ts'

/** Of the rate at which the yardstick is saturated. */
const SHARES = [0.5, 0.8]

const PAIR: Work = { rooms: 1, members: 2, senders: 1, inFlight: 1 }
const PAIR_PER_SECOND = 20

const startThree = async (scope: Scope) => [
  await startBare(scope, { name: 'bare Socket.IO' }),
  await startKlatsch(scope, { name: 'klatsch, memory' }),
  await startKlatsch(scope, { name: 'klatsch, Redis', redis: true })
]

/** How long a message takes to its own sender, at rates that the yardstick can bear. */
export const latency = (rounds: number) => race(startThree, HOT, rounds)

/** How long it takes to somebody on the other node. */
export const across = (rounds: number) => race(async scope => [
  await startBare(scope, { name: 'two bare nodes, @socket.io/redis-adapter', redis: true, nodes: 2 }),
  await startKlatsch(scope, { name: 'two nodes of klatsch', redis: true, nodes: 2 })
], { ...HOT, timedAt: 'neighbour' }, rounds)

/** A room of two in which hardly anything is said: nothing here is made slower to make the crowded room fast. */
export const quiet = (rounds: number) => withScope(async scope => {
  const contestants = [...await startThree(scope), await startBare(scope, { name: 'bare Socket.IO and one commit', postgres: true })]
  const measured = await inTurns(await seat(scope, contestants, PAIR), rounds, PAIR_PER_SECOND)
  const rows = contestants.map(contestant => {
    const rounds = measured.get(contestant)!
    return [contestant.name, show(summarise(rounds.map(({ p50 }) => p50))), show(summarise(rounds.map(({ p99 }) => p99)))]
  })
  return { table: table(['server', 'p50 ms', 'p99 ms'], rows) }
})

/** First a closed loop, which finds what each can do; then open ones, in which the rate does not wait for the server. The first is the yardstick. */
function race (start: (scope: Scope) => Promise<Contestant[]>, work: Work, rounds: number): Promise<Result> {
  return withScope(async scope => {
    const contestants = await start(scope)
    const crowds = await seat(scope, contestants, work)
    const saturated = await inTurns(crowds, rounds)
    const most = (contestant: Contestant) => saturated.get(contestant)!.map(({ deliveriesPerSecond }) => deliveriesPerSecond)
    const [yardstick] = contestants
    const base = most(yardstick!)
    const { median } = summarise(saturated.get(yardstick!)!.map(({ sendsPerSecond }) => sendsPerSecond))
    const rows = new Map(contestants.map(contestant => {
      const rates = most(contestant)
      return [contestant, [contestant.name, show(summarise(rates)), show(summarise(rates.map((rate, round) => rate / base[round]!)))]]
    }))
    for (const share of SHARES) {
      const measured = await inTurns(crowds, rounds, Math.round(median * share))
      const base = measured.get(yardstick!)!
      for (const [contestant, row] of rows) {
        const rounds = measured.get(contestant)!
        row.push(show(summarise(rounds.map(({ p50 }) => p50))), show(summarise(rounds.map(({ p99 }) => p99))), show(summarise(rounds.map(({ p99 }, round) => p99 / base[round]!.p99))))
      }
    }
    const head = SHARES.flatMap(share => [`p50 ms at ${share * 100} %`, 'p99 ms', 'ratio of p99'])
    return { table: table(['server', 'deliveries/s at most', 'ratio', ...head], [...rows.values()]) }
  })
}

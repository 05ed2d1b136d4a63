/**
 * `npm run bench`: klatsch beside yardsticks, in turns on one machine. It needs nothing by hand and prints Markdown tables of ratios,
 * with the least and the greatest of all rounds. Absolute figures are this machine's and mean nothing elsewhere.
 *
 *   node build/bench/main.js [--only ROW]... [--rounds N]
 */
import { parseArgs } from 'node:util'
import { startBare, startKlatsch, type Contestant } from './contestants.ts'
import { show, summarise, table } from './figures.ts'
import { createScope } from './rig.ts'
import { inTurns, type Measured, type Work } from './rounds.ts'

const rows: Record<string, { title: string, run: (rounds: number) => Promise<string> }> = {
  hot: {
    title: 'One cafe of 200, 20 senders, 2 sends in flight each',
    run: rounds => compare({ rooms: 1, members: 200, senders: 20, inFlight: 2 }, 'perDelivery', rounds)
  },
  many: {
    title: '50 cafes of 4, 2 senders each, 4 sends in flight',
    run: rounds => compare({ rooms: 50, members: 4, senders: 2, inFlight: 4 }, 'perSend', rounds)
  }
}

await main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

/** A table is printed when it is complete. @throws at the first figure that cannot be had */
async function main () {
  const { values: { only, rounds } } = parseArgs({ options: { only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '5' } } })
  if (!/^[1-9][0-9]?$/.test(rounds)) throw new Error('--rounds must be a number from 1 to 99')
  const chosen = Object.entries(rows).filter(([name]) => only === undefined || only.includes(name))
  if (chosen.length === 0) throw new Error(`There is no such row; there are ${Object.keys(rows).join(', ')}`)
  for (const [name, { title, run }] of chosen) console.log(`\n## ${name}: ${title}\n\n${await run(Number(rounds))}`)
}

/** One node, with memory and with Redis, beside bare Socket.IO; for deliveries also beside the least that Node can do. */
async function compare (work: Work, cost: 'perDelivery' | 'perSend', rounds: number): Promise<string> {
  const scope = createScope()
  try {
    const bare = await startBare(scope, { name: 'bare Socket.IO' })
    const others = [
      await startKlatsch(scope, { name: 'klatsch, memory' }),
      await startKlatsch(scope, { name: 'klatsch, Redis', redis: true }),
      ...cost === 'perDelivery' ? [await startBare(scope, { name: 'floor: writes of a prepared frame', floor: true })] : []
    ]
    const measured = await inTurns(scope, [bare, ...others], work, rounds)
    const base = measured.get(bare)!
    const of = (contestant: Contestant, figure: (measured: Measured, round: number) => number) => show(summarise(measured.get(contestant)!.map(figure)))
    const units = cost === 'perDelivery' ? work.members : 1
    const whole = ({ [cost]: nodes, storesPerSend }: Measured) => nodes + storesPerSend / units
    return table(
      ['server', `CPU µs ${cost === 'perDelivery' ? 'a delivery' : 'a send'}`, 'ratio', 'with PostgreSQL and Redis', 'sends/s', 'generator busy'],
      [bare, ...others].map(contestant => [
        contestant.name,
        of(contestant, measured => measured[cost]),
        of(contestant, (measured, round) => measured[cost] / base[round]![cost]),
        of(contestant, (measured, round) => whole(measured) / whole(base[round]!)),
        of(contestant, measured => measured.sendsPerSecond),
        of(contestant, measured => measured.generatorBusy)
      ])
    )
  } finally {
    await scope.close()
  }
}

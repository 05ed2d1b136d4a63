/**
 * `npm run bench`: klatsch beside yardsticks, in turns on one machine. It needs nothing by hand and prints Markdown tables of ratios,
 * with the least and the greatest of all rounds. Absolute figures are this machine's and mean nothing elsewhere.
 *
 *   node build/bench/main.js [--only ROW]... [--rounds N] [--plots FOLDER]
 *
 *   --plots FOLDER  also draws what it costs when something grows, as FOLDER/ROW.svg
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Result } from './figures.ts'
import { draw } from './plot.ts'
import { crowdedLiteral, hot, literal, many, nodes } from './rows/compare.ts'
import { cafes, members, messages } from './rows/growth.ts'
import { idle } from './rows/idle.ts'
import { across, latency, quiet } from './rows/latency.ts'
import { deep, first } from './rows/pages.ts'
import { rates } from './rows/rates.ts'
import { stock } from './rows/stock.ts'
import { storm } from './rows/storm.ts'

const rows: Record<string, { title: string, run: (rounds: number) => Promise<Result> }> = {
  hot: { title: 'One cafe of 200, 20 senders, 2 sends in flight each', run: hot },
  latency: { title: 'The same, and an open loop: from when a send was due to the copy of its sender', run: latency },
  rates: { title: 'One cafe of 200, 20 senders, more and more sends a second', run: rates },
  many: { title: '50 cafes of 4, 2 senders each, 4 sends in flight', run: many },
  quiet: { title: 'One cafe of 2, 20 sends a second', run: quiet },
  stock: { title: 'One cafe of 200, 50 sends a second, by the kind of client', run: stock },
  literal: { title: '50 cafes of 4 again, beside the specification taken at its word', run: literal },
  'literal-hot': { title: 'One cafe of 200 again, beside the specification taken at its word', run: crowdedLiteral },
  nodes: { title: 'One cafe of 200 on two nodes', run: nodes },
  across: { title: 'The same, and an open loop: from when a send was due to a member on the other node', run: across },
  first: { title: 'The first page of history over REST, 50 of 100 messages', run: first },
  deep: { title: 'Pages of 50 in a cafe of 1,000,000 messages', run: deep },
  idle: { title: 'Memory of a silent connection that has joined a cafe', run: idle },
  storm: { title: '2,000 clients come to one cafe at once', run: storm },
  members: { title: 'One cafe, 10 senders, more and more members', run: members },
  cafes: { title: '50 cafes in use, beside more and more others', run: cafes },
  messages: { title: 'One cafe with more and more messages', run: messages }
}

await main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

/** A table is printed when it is complete. @throws at the first figure that cannot be had */
async function main () {
  const { values: { only, rounds, plots } } = parseArgs({
    options: { only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '5' }, plots: { type: 'string' } }
  })
  if (!/^[1-9][0-9]?$/.test(rounds)) throw new Error('--rounds must be a number from 1 to 99')
  const chosen = Object.entries(rows).filter(([name]) => only === undefined || only.includes(name))
  if (chosen.length === 0) throw new Error(`There is no such row; there are ${Object.keys(rows).join(', ')}`)
  if (plots !== undefined) mkdirSync(plots, { recursive: true })
  for (const [name, { title, run }] of chosen) {
    const { table, chart } = await run(Number(rounds))
    console.log(`\n## ${name}: ${title}\n\n${table}`)
    if (plots !== undefined && chart !== undefined) writeFileSync(join(plots, `${name}.svg`), draw(chart))
  }
}

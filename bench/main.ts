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

/** Files and connections of one process: the largest rows have 2,000 clients. */
const HANDLES = 4096

await main().catch((error: Error) => {
  console.error(error.message)
  process.exitCode = 1
})

/** Node has already raised the soft limit to the hard one. @throws where the largest rows would run out of connections */
function checkHandles () {
  const { userLimits } = process.report.getReport() as unknown as { userLimits?: { open_files?: { soft: number | 'unlimited' } } }
  const most = userLimits?.open_files?.soft ?? 'unlimited'
  if (most !== 'unlimited' && Number(most) < HANDLES) throw new Error(`A process may have ${most} open files here, and the benchmarks need ${HANDLES}: raise it, as by \`ulimit -n ${HANDLES}\``)
}

/** A table is printed when it is complete. @throws at the first figure that cannot be had */
async function main () {
  const { values: { only, rounds, plots } } = parseArgs({
    options: { only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '5' }, plots: { type: 'string' } }
  })
  if (!/^[1-9][0-9]?$/.test(rounds)) throw new Error('--rounds must be a number from 1 to 99')
  checkHandles()
  // Not before: they and what they need are more files than a small limit allows.
  const [{ rows }, { draw }] = await Promise.all([import('./rows/index.ts'), import('./plot.ts')])
  const chosen = Object.entries(rows).filter(([name]) => only === undefined || only.includes(name))
  if (chosen.length === 0) throw new Error(`There is no such row; there are ${Object.keys(rows).join(', ')}`)
  if (plots !== undefined) mkdirSync(plots, { recursive: true })
  for (const [name, { title, run }] of chosen) {
    const { table, chart } = await run(Number(rounds))
    console.log(`\n## ${name}: ${title}\n\n${table}`)
    if (plots !== undefined && chart !== undefined) writeFileSync(join(plots, `${name}.svg`), draw(chart))
  }
}

/**
 * `npm run fuzz`: sessions that nobody thought of, against a server of its own, until the time is over or one of them fails.
 *
 *   node build/test/fuzz/main.js [--minutes N] [--seed N] [--path P]
 *
 *   --minutes N  how long; 5 unless said
 *   --seed N     begin with the sessions of this seed; a random one unless said
 *   --path P     play only the session that a failure named, and shorten it
 *
 * A round is a hundred sessions, of a hundred steps or a few more. Each has a line with its seed, which makes the same sessions again. A session that fails is
 * made shorter as long as it still fails, and printed. Then the status is 1.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { startRun } from '../support/run.ts'
import { playRound } from './rounds.ts'
import { createWorld } from './world.ts'

const RUNS = 100
const SHRINK_MS = 120_000

process.exitCode = await main()

async function main (): Promise<number> {
  const { values: { minutes = '5', seed: given, path } } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' }, path: { type: 'string' } } })
  const first = given === undefined ? randomInt(2 ** 31) : Number(given)
  if (!Number.isSafeInteger(first) || !(Number(minutes) > 0)) {
    console.error('--minutes and --seed are numbers')
    return 1
  }
  const until = Date.now() + 60_000 * Number(minutes)
  const run = await startRun(process.pid)
  const closing: Array<() => unknown> = []
  try {
    const world = await createWorld({ teardown: close => closing.push(close) })
    let sum = 0
    for (let seed = first; seed === first || Date.now() < until; seed++) {
      const start = Date.now()
      const { cases, failure } = await playRound(world, { seed, runs: path === undefined ? RUNS : 1, path, shrinkMs: SHRINK_MS })
      sum += cases
      console.log(`${failure === undefined ? 'ok    ' : 'not ok'}  seed ${seed}: ${cases} cases, ${Math.round((Date.now() - start) / 1000)} s`)
      if (failure !== undefined) {
        console.log(failure)
        return 1
      }
      if (path !== undefined) break
    }
    console.log(`${sum} cases from seed ${first} on, none failed`)
    return 0
  } finally {
    for (const close of closing.toReversed()) await close()
    await run.stop()
  }
}

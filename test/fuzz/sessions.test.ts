import { randomInt } from 'node:crypto'
import t from 'tap'
import { playRound } from './rounds.ts'
import { createWorld } from './world.ts'

const CASES = 10_000
const MOST_RUNS = 150
const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))

t.setTimeout(110_000)

t.test('sessions of several people: every event answered once, no fault of the server, and all agree in the end', async t => {
  t.comment(`seed ${seed}: FUZZ_SEED=${seed} plays the same sessions, npm run fuzz -- --seed ${seed} shortens what fails`)
  const world = await createWorld(t)
  const start = Date.now()
  let cases = 0
  // One more session each, until they are enough: how long they are is theirs.
  for (let round = 0; cases < CASES && round < MOST_RUNS; round += 10) {
    const { cases: played, failure } = await playRound(world, { seed: seed + round, runs: 10 })
    cases += played
    if (failure !== undefined) return t.fail(failure)
  }
  t.comment(`${cases} cases in ${Date.now() - start} ms`)
  t.ok(cases >= CASES, `${cases} events, requests, packets, breaks and returns`)
  t.strictSame(world.serverFaults(), [])
  t.equal(await world.server.stop(), 0, 'the server ends as it should')
})

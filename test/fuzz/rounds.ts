import fc, { type RunDetails } from 'fast-check'
import { casesOf, play } from './session.ts'
import { sessions, type Step } from './steps.ts'
import type { World } from './world.ts'

/** Steps of a session at least. */
const LENGTH = 100

/** `cases`: events, requests, packets, breaks and returns that were played, shrinking included. */
export interface Round { cases: number, failure: string | undefined }

/**
 * Plays sessions that a seed makes, until one fails. They are the same for the same seed; how the network and the machine mix their steps is not.
 * @param path of a failure among these sessions, as it was printed; then it is played at once
 * @param shrinkMs how long to look for a shorter session that fails too
 */
export async function playRound (world: World, { seed, runs, path, shrinkMs = 0 }: { seed: number, runs: number, path?: string | undefined, shrinkMs?: number }): Promise<Round> {
  let cases = 0
  let until = Infinity
  const property = fc.asyncProperty(sessions(world.document, LENGTH), async steps => {
    if (Date.now() > until) return
    const faults = await play(world, steps)
    cases += casesOf(steps)
    if (faults.length === 0) return
    if (until === Infinity) until = Date.now() + shrinkMs
    throw new Error(faults.slice(0, 10).join('\n'))
  })
  const details = await fc.check(property, { seed, numRuns: runs, endOnFailure: shrinkMs === 0, ...path !== undefined && { path } })
  return { cases, failure: details.failed ? describe(details) : undefined }
}

function describe ({ seed, counterexamplePath, counterexample, errorInstance, numShrinks }: RunDetails<[Step[]]>): string {
  const steps = counterexample?.[0].map(step => JSON.stringify(step.do === 'call' ? { ...step, route: `${step.route.method} ${step.route.path}` } : step)) ?? []
  return [`seed ${seed}, path ${counterexamplePath}, ${numShrinks} times shorter: npm run fuzz -- --seed ${seed} --path ${counterexamplePath}`, String(errorInstance), ...steps].join('\n')
}

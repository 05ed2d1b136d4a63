import type { Test } from 'tap'
import { startPostgres, type OwnPostgres } from '../support/servers.ts'
import { hold, inTime, run, setUp, type Plan, type Stage } from './stage.ts'
import type { Verdict } from './checker.ts'

/** Whatever is asked is answered within a second, by an error with a code if it must be. */
const ANSWER_MS = 1000
/** From the moment PostgreSQL works again to the first ack of a send. */
const FIRST_ACK_MS = 1000

/** A crowd on a PostgreSQL of its own. */
export async function setUpOwn (t: Test, plan: Omit<Plan, 'databaseUrl'> = {}): Promise<Stage & { postgres: OwnPostgres }> {
  const postgres = await startPostgres(t)
  return { ...await setUp(t, { ...plan, databaseUrl: postgres.url }), postgres }
}

/** Breaks PostgreSQL in the middle of the talk, and holds what must hold then. `fault` resolves when PostgreSQL works again. */
export async function show (t: Test, stage: Stage, fault: () => Promise<unknown>): Promise<Verdict> {
  let brokenAt = 0
  let healedAt = 0
  const verdict = await run(t, stage, async () => {
    brokenAt = Date.now()
    await fault()
    healedAt = Date.now()
  })
  const { attempts } = stage.crowd.records
  const acks = attempts.flatMap(({ ackedAt }) => ackedAt ?? [])
  const repeated = attempts.filter(({ tries }) => tries > 1).length
  const first = Math.min(...acks.filter(at => at > healedAt)) - healedAt
  t.comment(`acks while PostgreSQL was broken: ${acks.filter(at => at > brokenAt && at < healedAt).length}; sends that were repeated: ${repeated}; first ack ${first} ms after it works again`)
  hold(t, verdict)
  t.ok(repeated > 0, 'some sends were refused, or in doubt, and repeated')
  t.ok(first <= FIRST_ACK_MS + 3 * verdict.calmMax, `the first ack ${first} ms after PostgreSQL works again`)
  inTime(t, verdict, 'ackMax', ANSWER_MS)
  return verdict
}

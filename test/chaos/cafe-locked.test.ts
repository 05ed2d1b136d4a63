import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'
import { size } from './sizes.ts'

t.setTimeout(100_000)

/** Enough for a 99th percentile that does not depend on a handful of sends. */
const TURNS = size.balanced === undefined ? 5 : 20
const TURN_MS = 1000
const STARVED_MS = 300
/** By so much the clients' own process may be late once in a while. */
const HICCUP_MS = 10

function p99 (numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * 0.99) - 1]!
}

t.test("somebody holds one cafe's head, again and again: the other cafes do not feel it", async t => {
  const stage = await setUp(t)
  const operator = new pg.Client({ connectionString: stage.databaseUrl })
  await operator.connect()
  t.teardown(() => operator.end())
  const [cafeId] = stage.crowd.cafeIds
  const locks: Array<{ from: number, to: number }> = []
  const verdict = await run(t, stage, async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      await operator.query('BEGIN')
      await operator.query('SELECT FROM cafe_heads WHERE cafe_id = $1 FOR UPDATE', [cafeId])
      const from = Date.now()
      await delay(TURN_MS)
      locks.push({ from, to: Date.now() })
      await operator.query('ROLLBACK')
      await delay(TURN_MS)
    }
  })
  hold(t, verdict)
  inTime(t, verdict, 'ackMax', 1000)

  const { attempts } = stage.crowd.records
  const isLocked = (at: number) => locks.some(({ from, to }) => at >= from && at < to)
  const others = attempts.filter(attempt => attempt.cafeId !== cafeId && attempt.sentAt >= locks[0]!.from && attempt.sentAt < locks.at(-1)!.to + TURN_MS)
  const times = (locked: boolean) => others.filter(({ sentAt }) => isLocked(sentAt) === locked).map(({ sentAt, ackedAt }) => ackedAt! - sentAt)
  const [locked, free] = [times(true), times(false)]
  const own = attempts.filter(attempt => attempt.cafeId === cafeId && isLocked(attempt.sentAt))
  t.comment(`sends into the other cafes: ${locked.length} while it was locked, p99 ${p99(locked)} ms; ${free.length} while it was not, p99 ${p99(free)} ms`)
  t.ok(own.some(({ tries }) => tries > 1), 'sends into the locked cafe were refused and repeated')
  // A machine that starves PostgreSQL makes it give up statements of any cafe.
  const refused = others.filter(({ tries }) => tries > 1).length
  t.ok(refused === 0 || verdict.calmMax > STARVED_MS, `${refused} into another cafe were, the slowest calm ack took ${verdict.calmMax} ms`)
  // A wait for the lock would be 405 ms.
  t.ok(p99(locked) <= 150 + 3 * verdict.calmMax)
  if (size.balanced !== undefined) t.ok(p99(locked) <= 1.2 * p99(free) + HICCUP_MS, 'p99 within 1.2')
})

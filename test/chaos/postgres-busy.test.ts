import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import t from 'tap'
import { setUpOwn, show } from './postgres.ts'

t.setTimeout(100_000)

t.test('every connection of the pools waits for a lock on a whole table', async t => {
  const stage = await setUpOwn(t)
  const operator = new pg.Client({ connectionString: stage.databaseUrl })
  await operator.connect()
  t.teardown(() => operator.end())
  const { token } = stage.crowd.members[0]!.session
  let waited = 0
  let slowest = 0
  const codes = new Map<string, number>()
  const [cafeId] = stage.crowd.cafeIds
  // Pages that no ring has: each takes a connection.
  async function read (url: string) {
    const began = performance.now()
    const response = await fetch(`${url}/api/chat/messages/${cafeId}?before=1000`, { headers: { authorization: `Bearer ${token}` } })
    const { code = '200' } = await response.json() as { code?: string }
    codes.set(code, (codes.get(code) ?? 0) + 1)
    slowest = Math.max(slowest, performance.now() - began)
  }
  const verdict = await show(t, stage, async () => {
    await operator.query('BEGIN')
    await operator.query('LOCK TABLE cafe_heads IN ACCESS EXCLUSIVE MODE')
    const reads: Array<Promise<void>> = []
    for (let index = 0; index < 100; index++) {
      for (const { url } of stage.nodes) reads.push(read(url))
      await delay(20)
    }
    const { rows } = await operator.query<{ n: number }>("SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    waited = rows[0]!.n
    await operator.query('ROLLBACK')
    await Promise.all(reads)
  })
  t.comment(`${waited} connections waited at once; pages of history: ${JSON.stringify(Object.fromEntries(codes))}, the slowest after ${Math.round(slowest)} ms`)
  t.ok(waited > 10)
  t.ok(codes.has('CHAT_UNAVAILABLE'))
  t.same([...codes.keys()].filter(code => code !== '200' && code !== 'CHAT_UNAVAILABLE'), [], 'and nothing else')
  t.ok(slowest <= 1000 + 3 * verdict.calmMax, 'within a second')
})

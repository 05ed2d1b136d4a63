import { createHash, randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Test } from 'tap'
import type { Draft } from '../../../services/ports.ts'
import { createDurable, type DurableOptions } from '../../../stores/postgres/index.ts'
import { migrate } from '../../../stores/postgres/migrate.ts'
import { createDatabase } from '../../support/servers.ts'

export const ample: DurableOptions = { sendQueue: 1000, sendBatch: 500, timeout: 5000, maxWaiting: 1000 }

/** A migrated database, a user, a cafe and the durable ports over a pool. */
export async function setUp (t: Test, { pool: poolOptions, ...options }: Partial<DurableOptions> & { pool?: pg.PoolConfig } = {}) {
  const url = await createDatabase(t)
  await migrate(url)
  const pool = new pg.Pool({ connectionString: url, ...poolOptions })
  // The pool says that it has ended before its connections have: the database may go before the last of them.
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  const durable = createDurable(pool, { ...ample, ...options })
  const ann = { id: randomUUID(), username: 'ann', role: 'member' as const }
  await durable.users.upsert([ann])
  const cafe = await durable.cafes.create('Corner Table')
  const draft = (content: string, more: Partial<Draft> = {}): Draft =>
    ({ cafeId: cafe.id, userId: ann.id, username: ann.username, content, hash: createHash('sha256').update(content).digest(), ...more })
  return { url, pool, ann, cafe, draft, ...durable }
}

/** Counts the log from the tables alone: for every cafe seqs are 1..seq, and created_revs with the revs of changes 1..rev. */
export async function checkLog (t: Test, pool: pg.Pool) {
  const { rows } = await pool.query(`
    SELECT h.cafe_id, h.seq::int, h.rev::int,
      (SELECT count(*)::int FROM messages m WHERE m.cafe_id = h.cafe_id) AS messages,
      (SELECT coalesce(max(m.seq), 0)::int FROM messages m WHERE m.cafe_id = h.cafe_id) AS max_seq,
      (SELECT coalesce(array_agg(r.rev ORDER BY r.rev), '{}')::int[] FROM (
        SELECT created_rev AS rev FROM messages m WHERE m.cafe_id = h.cafe_id
        UNION ALL SELECT c.rev FROM changes c WHERE c.cafe_id = h.cafe_id) r) AS revs
    FROM cafe_heads h`)
  for (const row of rows) {
    t.equal(row.messages, row.seq, 'as many messages as the head says')
    t.equal(row.max_seq, row.seq, 'no hole in seq')
    t.same(row.revs, Array.from({ length: row.rev }, (_, index) => index + 1), 'revs are 1..rev without a hole')
  }
}

import type { FastifyBaseLogger } from 'fastify'
import type { Redis } from 'ioredis'
import type { Pool } from 'pg'
import type { MessageRow } from './tables.ts'
import type { Topics } from './topics.ts'

export type Messages = ReturnType<typeof createMessages>

const cached = 100

/**
 * Messages in PostgreSQL with the newest in a Redis list. Its faults are the specification's: a row goes into the list as it
 * is in the table, a filled list counts as the whole, a fill turns the order round, and nothing ever leaves it but by age.
 */
export function createMessages (pool: Pool, redis: Redis, topics: Topics, log: FastifyBaseLogger) {
  const keyOf = (cafeId: string) => `cafe:${cafeId}:messages`

  async function create (cafeId: string, userId: string, content: string): Promise<MessageRow> {
    const { rows } = await pool.query<MessageRow>(
      'insert into messages (cafe_id, user_id, content, created_at) values ($1, $2, $3, now()) returning *',
      [cafeId, userId, content]
    )
    const message = rows[0]!
    await redis.lpush(keyOf(cafeId), JSON.stringify(message))
    await redis.ltrim(keyOf(cafeId), 0, cached - 1)
    await topics.count(cafeId, content)
    return message
  }

  async function recent (cafeId: string, limit: number): Promise<MessageRow[]> {
    const hit = await redis.lrange(keyOf(cafeId), 0, limit - 1)
    if (hit.length > 0) {
      log.info({ cafeId, count: hit.length }, 'recent messages from the cache')
      return hit.map(message => JSON.parse(message))
    }
    const { rows } = await pool.query<MessageRow>(
      `select m.*, u.username from messages m join users u on u.id = m.user_id
       where m.cafe_id = $1 and m.deleted = false order by m.created_at desc limit $2`,
      [cafeId, limit]
    )
    if (rows.length > 0) {
      const pipeline = redis.pipeline()
      for (const row of rows) pipeline.lpush(keyOf(cafeId), JSON.stringify(row))
      pipeline.ltrim(keyOf(cafeId), 0, cached - 1)
      await pipeline.exec()
    }
    return rows
  }

  async function page (cafeId: string, limit: number, offset: number): Promise<{ rows: MessageRow[], total: number }> {
    const { rows } = await pool.query<MessageRow>(
      `select m.*, u.username from messages m join users u on u.id = m.user_id
       where m.cafe_id = $1 and m.deleted = false order by m.created_at desc limit $2 offset $3`,
      [cafeId, limit, offset]
    )
    const counted = await pool.query<{ total: number }>(
      'select count(*)::int as total from messages where cafe_id = $1 and deleted = false', [cafeId]
    )
    return { rows, total: counted.rows[0]!.total }
  }

  async function remove (messageId: string): Promise<void> {
    await pool.query('update messages set deleted = true, deleted_at = now() where id = $1', [messageId])
  }

  return { create, recent, page, remove }
}

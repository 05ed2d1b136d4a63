import pg from 'pg'
import type { Tables } from './records.ts'

/** Reads a database over a connection of its own. */
export async function readTables (url: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    // One snapshot, lest a late write makes the tables disagree.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const messages = await client.query<Tables['messages'][number]>(`
      SELECT id, cafe_id, user_id, client_id, CASE WHEN deleted THEN '' ELSE content END AS content, deleted,
        seq::int, rev::int, created_rev::int FROM messages`)
    const changes = await client.query<Tables['changes'][number]>('SELECT cafe_id, rev::int, message_id FROM changes')
    const heads = await client.query<Tables['heads'][number]>('SELECT cafe_id, seq::int, rev::int FROM cafe_heads')
    return { messages: messages.rows, changes: changes.rows, heads: heads.rows }
  } finally {
    await client.end()
  }
}

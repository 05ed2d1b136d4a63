import pg from 'pg'

/** Messages as if they had been sent, `each` in every one of the cafes: a log without holes. */
export async function writeMessages (databaseUrl: string, cafeIds: string[], each: number) {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('BEGIN')
    const { rows: [user] } = await client.query<{ id: string }>("INSERT INTO users (username) VALUES ('founder') RETURNING id")
    await client.query(`INSERT INTO messages (cafe_id, user_id, username, content, seq, rev, created_rev, send_hash)
      SELECT cafe, $2, 'founder', 'message ' || n || ' and what else there is to say in a cafe', n, n, n, sha256(n::text::bytea)
      FROM unnest($1::uuid[]) cafe, generate_series(1, $3::bigint) n`, [cafeIds, user!.id, each])
    await client.query('UPDATE cafe_heads SET seq = $2, rev = $2 WHERE cafe_id = ANY ($1)', [cafeIds, each])
    await client.query('COMMIT')
    await client.query('VACUUM ANALYZE messages')
  } finally {
    await client.end()
  }
}

/** Cafes that nobody is in. @returns their ids */
export async function createCafes (databaseUrl: string, count: number): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>("INSERT INTO cafes (name) SELECT 'Cafe ' || n FROM generate_series(1, $1::int) n RETURNING id", [count])
    await client.query('INSERT INTO cafe_heads (cafe_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING', [rows.map(({ id }) => id)])
    return rows.map(({ id }) => id)
  } finally {
    await client.end()
  }
}

import type { User } from '../../schemas/users.ts'
import type { Users } from '../../services/ports.ts'
import type { Query } from './query.ts'

// A user may stand twice in a batch, which ON CONFLICT refuses: the last one counts. In id order, so that batches never deadlock.
const UPSERT = `
INSERT INTO users (id, username, role)
SELECT DISTINCT ON (u.id) u.id, u.username, u.role
FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS u (id, username, role, ord)
ORDER BY u.id, u.ord DESC
ON CONFLICT (id) DO UPDATE SET username = excluded.username, role = excluded.role
WHERE (users.username, users.role) IS DISTINCT FROM (excluded.username, excluded.role)`

/** Users in PostgreSQL. */
export function createUsers (query: Query): Users {
  async function upsert (users: User[]): Promise<void> {
    const values = [users.map(user => user.id), users.map(user => user.username), users.map(user => user.role)]
    await query('read', 'upsert_users', UPSERT, values) // repeating it is harmless, so it never needs to be unknown
  }

  return { upsert }
}

import type { Revocation, Revocations } from '../../services/ports.ts'
import type { Query } from './query.ts'

/** bigints arrive as text */
interface Row { position: string, user_id: string | null, token_id: string | null, revoked_at: Date, ends_at: Date }

const ADD = 'SELECT position, user_id, token_id, revoked_at, ends_at FROM revoke_tokens($1, $2, $3, $4, $5 * interval \'1 millisecond\')'

const AFTER = `
SELECT position, user_id, token_id, revoked_at, ends_at FROM revocations
WHERE position > $1 ORDER BY position LIMIT $2`

const toRevocation = (row: Row): Revocation => ({
  position: Number(row.position),
  ...(row.user_id !== null && { userId: row.user_id }),
  ...(row.token_id !== null && { tokenId: row.token_id }),
  at: row.revoked_at.getTime(),
  until: row.ends_at.getTime()
})

/** Revocations in PostgreSQL. */
export function createRevocations (query: Query): Revocations {
  return {
    async add ({ userId = null, tokenId = null, by, reason = null, lifeMs }) {
      // Repeating it is harmless, so it never needs to be unknown.
      const [row] = await query<Row>('read', 'revoke', ADD, [userId, tokenId, by, reason, lifeMs])
      return toRevocation(row!)
    },
    async after (position, limit) {
      return (await query<Row>('read', 'revocations_after', AFTER, [position, limit])).map(toRevocation)
    }
  }
}

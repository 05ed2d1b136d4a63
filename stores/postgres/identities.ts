import type { Identities } from '../../services/ports.ts'
import type { Query } from './query.ts'

const RECOGNISE = 'SELECT user_id FROM recognise_accounts($1, $2, $3, $4) ORDER BY ord'

const LINK = 'SELECT link_account($1, $2, $3) AS user_id'

/** Accounts of other issuers in PostgreSQL. Repeating either is harmless, so it never needs to be unknown. */
export function createIdentities (query: Query): Identities {
  return {
    async recognise (newcomers) {
      const values = [newcomers.map(({ issuer }) => issuer), ...(['id', 'username', 'role'] as const).map(field => newcomers.map(({ user }) => user[field]))]
      const rows = await query<{ user_id: string }>('read', 'recognise_accounts', RECOGNISE, values)
      return rows.map(row => row.user_id)
    },
    async link ({ issuer, subject }, userId) {
      const [row] = await query<{ user_id: string | null }>('read', 'link_account', LINK, [issuer, subject, userId])
      return row!.user_id ?? undefined
    }
  }
}

/** Tokens: of another issuer, renewed, and taken back. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { signHmac } from '../support/issuers.ts'
import { once, until } from '../support/sockets.ts'
import { issue, type Visitors } from './visitor.ts'

const ISSUER = { issuer: 'https://id.example', audience: 'chat', secret: 'what this issuer signs with, which is not ours' }
/** For nodes that take tokens of the other issuer, and find at once what was taken back behind their backs. */
export const issuerEnv = { JWT_ISSUERS: JSON.stringify([ISSUER]), CHAT_FEED_CHECK: '500' }
/** More than a node holds. */
const REVOCATIONS = 100_000
const WAIT_MS = 20_000

/** A token of an account of the other issuer. */
export function issueAccount (sub: string = randomUUID()): string {
  const now = Math.floor(Date.now() / 1000)
  return signHmac({ iss: ISSUER.issuer, aud: ISSUER.audience, sub, username: 'Käthe', iat: now, exp: now + 600 }, ISSUER.secret)
}

/** Guests who become accounts, renew their tokens, and lose them. */
export async function knock ({ call, enter, connect, ask, refuse }: Visitors) {
  const [ann, bob] = [await enter('Ann'), await enter('Bob')]
  const account = issueAccount()
  await call(ann.token, 'linkAccount', 200, { body: { token: account } })
  await call(bob.token, 'linkAccount', 409, { body: { token: account } })
  await call(account, 'linkAccount', 403, { body: { token: issueAccount() } })
  await call(account, 'refreshToken', 403)

  const socket = await connect(bob.token)
  await ask(socket, 'auth:refresh', { token: issue(undefined, 'member', bob.user.id) })
  await refuse(socket, 'auth:refresh', 'CHAT_FORBIDDEN', { token: ann.token })

  await call(ann.token, 'revokeTokens', 403, { body: { userId: bob.user.id } })
  const ended = once(socket, 'auth:expired', ({ reason }) => reason === 'revoked')
  await call(issue(undefined, 'admin'), 'revokeTokens', 201, { body: { userId: bob.user.id, reason: 'Left his phone behind' } })
  await ended
}

/** So much was taken back that there is no room for more. */
export async function revokeTooMuch ({ attempt, call }: Visitors, databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query("INSERT INTO revocations (token_id, revoked_at, ends_at, revoked_by) SELECT n::text, now(), now() + interval '1 hour', gen_random_uuid() FROM generate_series(1, $1::int) n", [REVOCATIONS])
  await client.end()
  const admin = issue(undefined, 'admin')
  const request = () => ({ body: { tokenId: randomUUID() } })
  await until('the node knows them all', async () => (await attempt(admin, 'revokeTokens', request())).status === 429, WAIT_MS)
  await call(admin, 'revokeTokens', 429, request())
}

/** What another token of the same user asks of a database that does not answer. */
export const renewalOf = (userId: string) => ({ token: issue(undefined, 'moderator', userId) })

/** Who may ask for an operation: most may anybody who is known. `stranger`: somebody whom the node has to look up. */
export function bearerOf (id: string, token: string, stranger = false): string {
  if (id === 'revokeTokens') return issue(undefined, 'admin')
  return stranger && (id === 'refreshToken' || id === 'findUsers') ? issue() : token
}

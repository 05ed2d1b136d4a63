import type { User } from '../schemas/users.ts'
import type { Accounts } from './accounts.ts'
import { refuse } from './errors.ts'
import { gather } from './gather.ts'
import type { Identities } from './ports.ts'

const MAX_KNOWN = 100_000

/** Of whom a token speaks. Without `issuer` it was made here; else `user.id` is what that issuer calls them, not who they are here. */
export interface Claimed { issuer?: string, user: User }

/** Who the accounts of other issuers are here: the users with the ids that their issuers name, or guests who became them. */
export function createIdentities (identities: Identities, accounts: Accounts) {
  // account -> user id; the oldest goes first
  const known = new Map<string, string>()
  const write = gather(identities.recognise)
  const keyOf = (issuer: string, subject: string) => `${subject} ${issuer}`

  /** The user, who now has a row under this name and role. Asks the database only when something of it is new. @throws CHAT_UNAVAILABLE */
  async function recognise ({ issuer, user }: Claimed): Promise<User> {
    if (issuer === undefined) {
      if (!accounts.knows(user)) await accounts.recognise(user)
      return user
    }
    const key = keyOf(issuer, user.id)
    const id = known.get(key)
    if (id !== undefined && accounts.knows({ ...user, id })) return { ...user, id }
    const present = { ...user, id: await write({ issuer, user }) }
    accounts.remember(present)
    known.delete(key)
    known.set(key, present.id)
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value!)
    return present
  }

  /**
   * From now on the account is the guest. Again with the same two is harmless.
   * @throws CHAT_FORBIDDEN, CHAT_ACCOUNT_TAKEN, CHAT_UNAUTHENTICATED, CHAT_UNAVAILABLE
   */
  async function link (guest: Claimed, { issuer, user }: Claimed): Promise<void> {
    if (guest.issuer !== undefined) throw refuse('CHAT_FORBIDDEN', { message: 'Only a guest can become an account' })
    if (issuer === undefined) throw refuse('CHAT_FORBIDDEN', { message: 'The other token must be of another issuer' })
    const id = await identities.link({ issuer, subject: user.id }, guest.user.id)
    if (id === undefined) {
      accounts.forget(guest.user.id)
      throw refuse('CHAT_UNAUTHENTICATED')
    }
    if (id !== guest.user.id) throw refuse('CHAT_ACCOUNT_TAKEN')
  }

  return { recognise, link }
}

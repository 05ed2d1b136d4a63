import type { User } from '../schemas/users.ts'

/* The part of services/ports.ts, through which everybody sees it, that is about accounts and tokens. */

/** Accounts of other issuers. `subject`: what the issuer calls them. */
export interface Identities {
  /** The ids of the users that these are, in their order; one that was never seen becomes the user with the id that its issuer names. Then creates or renames, as `Users` does. */
  recognise (newcomers: Array<{ issuer: string, user: User }>): Promise<string[]>
  /** Makes the account this user, unless it is one already. Returns whoever it is then; undefined without such a user. Durable when it resolves. */
  link (account: { issuer: string, subject: string }, userId: string): Promise<string | undefined>
}

/** Tokens that were taken back: those of a user that were made up to `at`, or one by its id. Times in epoch milliseconds; after `until` there are none left. */
export interface Revocation { position: number, userId?: string, tokenId?: string, at: number, until: number }

export interface Revocations {
  /** Durable when it resolves; in the place of an earlier one of the same user or token. `by`: a user. */
  add (revocation: { userId?: string, tokenId?: string, by: string, reason?: string, lifeMs: number }): Promise<Revocation>
  /** Those after a position, in order, at most `limit`. None before the last one of them will ever appear. */
  after (position: number, limit: number): Promise<Revocation[]>
}

/** What every node must hear at once, whatever cafes it has. */
export interface Alert { kind: 'revoked', revocation: Revocation }

/** Between all nodes. At most once, nothing kept: a hint, never the truth. A node does not hear itself. */
export interface Alerts {
  /** Never throws, never waits. */
  send (alert: Alert): void
  /** Resolves when others are heard; rejects when they can't be now, and then takes effect as soon as they can. */
  listen (): Promise<void>
  onAlert (listener: (alert: Alert) => void): void
}

import { refuse } from './errors.ts'
import type { Action, Limits, Shortage, Spender } from './ports.ts'

/** In words for people. */
const words: Record<Action, string> = { send: 'messages', typing: 'signs of typing', join: 'joins', presence: 'changes of status' }
const owners: Record<Shortage['of'], string> = { user: 'of this user', cafe: 'in this cafe' }

/** What users and cafes may do how often. Every refusal says whose budget it is about and when to come again. */
export function createBudgets (limits: Limits) {
  /** Counts by itself, asking nobody. @throws CHAT_RATE_LIMITED */
  function spendHere (action: Action, spender: Spender): void {
    check(action, limits.takeHere(action, spender))
  }

  /** What `spendHere` has let pass. @throws CHAT_RATE_LIMITED */
  async function spendShared (action: Action, spender: Spender): Promise<void> {
    check(action, await limits.takeShared(action, spender))
  }

  /** Both. @throws CHAT_RATE_LIMITED */
  async function spend (action: Action, spender: Spender): Promise<void> {
    spendHere(action, spender)
    await spendShared(action, spender)
  }

  return { spend, spendHere, spendShared, giveBack: limits.giveBack }
}

export type Budgets = ReturnType<typeof createBudgets>

function check (action: Action, shortage: Shortage | undefined) {
  if (shortage === undefined) return
  const { of, waitMs } = shortage
  throw refuse('CHAT_RATE_LIMITED', { message: `Too many ${words[action]} ${owners[of]}`, retryAfterMs: waitMs, details: [{ field: `${of}Id`, rule: `${action}Rate` }] })
}

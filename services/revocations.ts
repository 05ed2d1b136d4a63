import type { Config } from '../schemas/config.ts'
import type { RevocationRequest } from '../schemas/revocations.ts'
import type { User } from '../schemas/users.ts'
import { refuse } from './errors.ts'
import type { Alerts, Bus, Reporter, Revocation, Revocations } from './ports.ts'

/** What a token says of itself. `issuedAt`: epoch milliseconds; 0 if it does not say. */
export interface Bearer { userId: string, tokenId?: string | undefined, issuedAt: number }

/** Revocations at the same time, over all nodes. More are refused: to forget one would give its tokens back. */
const MAX_HELD = 100_000
/** By then some of so many have ended. */
const FULL_MS = 60_000
const PAGE = 1000
/** Clocks may differ by so much. */
const TOLERANCE_MS = 1000

interface Ports { revocations: Revocations, alerts: Alerts, bus: Bus, reporter: Reporter }

/** Which tokens were taken back. All of them are in memory; the table is the truth, and read on from where it was read last. */
export function createRevocations ({ revocations, alerts, bus, reporter }: Ports, config: Config, now: () => number) {
  const users = new Map<string, Revocation>()
  const tokens = new Map<string, Revocation>()
  const listeners: Array<(revocation: Revocation) => void> = []
  let position = 0
  let reading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isStopped = false

  function take (revocation: Revocation) {
    const { userId, tokenId } = revocation
    const [held, id] = userId === undefined ? [tokens, tokenId!] : [users, userId]
    if (revocation.until <= now() || (held.get(id)?.at ?? 0) >= revocation.at) return
    held.set(id, revocation)
    for (const listener of listeners) listener(revocation)
  }

  async function readOn () {
    for (;;) {
      const page = await revocations.after(position, PAGE)
      for (const revocation of page) take(revocation)
      position = page.at(-1)?.position ?? position
      if (page.length < PAGE) return
    }
  }

  /** What was revoked since the last time. One reading at a time. */
  function catchUp (): Promise<void> {
    reading ??= readOn().finally(() => { reading = undefined })
    return reading
  }

  function look () {
    for (const held of [users, tokens]) for (const [id, { until }] of held) if (until <= now()) held.delete(id)
    catchUp().catch(error => reporter.warn(error, 'read what was revoked'))
  }

  alerts.onAlert(alert => take(alert.revocation))
  bus.onReconnect(() => { if (timer !== undefined) look() })

  /** Resolves when everything that was revoked is known. @throws CHAT_UNAVAILABLE */
  async function start () {
    // Where it fails the wish stays, and the table is looked at all the same.
    await alerts.listen().catch(() => {})
    await catchUp()
    if (!isStopped) timer ??= setInterval(look, config.feed.check).unref()
  }

  function stop () {
    isStopped = true
    clearInterval(timer)
    timer = undefined
  }

  /**
   * Takes back all tokens of a user up to now, or one by its id, on every node.
   * @throws CHAT_FORBIDDEN, CHAT_VALIDATION, CHAT_LIMIT_REACHED, CHAT_UNAVAILABLE
   */
  async function revoke (by: User, { userId, tokenId, reason }: RevocationRequest) {
    if (by.role !== 'admin') throw refuse('CHAT_FORBIDDEN')
    const details = userId === undefined ? [{ field: 'userId', rule: 'required' }] : [{ field: 'tokenId', rule: 'exclusive' }]
    if ((userId === undefined) === (tokenId === undefined)) throw refuse('CHAT_VALIDATION', { message: 'Either userId or tokenId', details })
    if (users.size + tokens.size >= MAX_HELD) throw refuse('CHAT_LIMIT_REACHED', { retryAfterMs: FULL_MS, message: `No more than ${MAX_HELD} revocations at a time` })
    const revocation = await revocations.add({
      ...(userId === undefined ? { tokenId: tokenId! } : { userId }), by: by.id, ...(reason !== undefined && { reason }), lifeMs: config.jwt.revokedFor
    })
    take(revocation)
    alerts.send({ kind: 'revoked', revocation })
    return revocation
  }

  function isRevoked ({ userId, tokenId, issuedAt }: Bearer): boolean {
    const user = users.get(userId)
    if (user !== undefined && issuedAt <= user.at + TOLERANCE_MS) return true
    return tokenId !== undefined && tokens.has(tokenId)
  }

  function onRevoked (listener: (revocation: Revocation) => void) {
    listeners.push(listener)
  }

  return { start, stop, revoke, isRevoked, onRevoked, count: () => users.size + tokens.size }
}

export type RevocationService = ReturnType<typeof createRevocations>

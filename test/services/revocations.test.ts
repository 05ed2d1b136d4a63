import { randomUUID } from 'node:crypto'
import t from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import type { User } from '../../schemas/users.ts'
import type { Alert, Revocation } from '../../services/ports.ts'
import { createRevocations } from '../../services/revocations.ts'
import { createAlerts } from '../../stores/memory/alerts.ts'
import { createBuses, createWitness, turn } from './cast.ts'

const config = loadConfig({})
const admin: User = { id: randomUUID(), username: 'ann', role: 'admin' }

/** The service over a table that is a list, at a time that is set. */
function setUp (rows: Revocation[] = []) {
  const clock = { now: 1_000_000 }
  const pages: number[] = []
  const { buses: [bus], reconnect } = createBuses('a', 'b')
  const { reporter, warned } = createWitness()
  let hear!: (alert: Alert) => void
  const alerts = { ...createAlerts(), onAlert: (listener: (alert: Alert) => void) => { hear = listener } }
  const revocations = {
    async add ({ userId, tokenId, lifeMs }: { userId?: string, tokenId?: string, lifeMs: number }) {
      const row = { position: (rows.at(-1)?.position ?? 0) + 1, ...(userId !== undefined && { userId }), ...(tokenId !== undefined && { tokenId }), at: clock.now, until: clock.now + lifeMs }
      rows.push(row)
      return row
    },
    async after (position: number, limit: number) {
      const page = rows.filter(row => row.position > position).slice(0, limit)
      pages.push(page.length)
      return page
    }
  }
  const service = createRevocations({ revocations, alerts, bus: bus!, reporter }, config, () => clock.now)
  t.teardown(() => service.stop())
  return { ...service, rows, clock, pages, warned, reconnect, hear: (alert: Alert) => hear(alert) }
}

const revoked = (n: number, more: Partial<Revocation> = {}): Revocation => ({ position: n, tokenId: `token ${n}`, at: 900_000, until: 2_000_000, ...more })

t.test('at the start everything is read, in pages, and later what came since', async t => {
  const { start, rows, pages, isRevoked, count, reconnect } = setUp(Array.from({ length: 2500 }, (_, n) => revoked(n + 1)))
  await start()
  t.strictSame(pages, [1000, 1000, 500])
  t.equal(count(), 2500)
  const bearer = { userId: 'ann', tokenId: 'token 2501', issuedAt: 0 }
  t.equal(isRevoked(bearer), false)
  rows.push(revoked(2501))
  reconnect()
  await turn()
  t.equal(isRevoked(bearer), true, 'after Redis was away the table is asked at once')
  t.strictSame(pages.slice(3), [1])
})

t.test('a user: what was issued up to then, and a second of clocks that differ', async t => {
  const { revoke, isRevoked, clock } = setUp()
  await revoke(admin, { userId: 'bob' })
  const of = (userId: string, issuedAt: number) => isRevoked({ userId, tokenId: 'x', issuedAt })
  t.strictSame([0, 999_999, 1_000_000, 1_001_000, 1_001_001].map(at => of('bob', at)), [true, true, true, true, false])
  t.equal(of('ann', 0), false)
  clock.now += 5000
  await revoke(admin, { userId: 'bob' })
  t.equal(of('bob', 1_004_000), true, 'once more, up to a later time')
})

t.test('what is heard twice, late, or after its end', async t => {
  const { hear, onRevoked, isRevoked, count, clock, reconnect, start } = setUp()
  await start()
  const told: Revocation[] = []
  onRevoked(revocation => told.push(revocation))
  const alert = (revocation: Revocation) => hear({ kind: 'revoked', revocation })
  alert(revoked(7, { at: 950_000 }))
  alert(revoked(7, { at: 950_000 }))
  alert(revoked(7, { at: 900_000 }))
  alert(revoked(8, { until: 1_000_000 }))
  t.strictSame(told.map(({ position }) => position), [7])
  t.equal(isRevoked({ userId: 'ann', tokenId: 'token 8', issuedAt: 0 }), false)
  clock.now = 2_000_000
  reconnect()
  t.equal(count(), 0, 'what has ended is forgotten')
})

t.test('who may revoke, and what', async t => {
  const { revoke, rows } = setUp()
  for (const role of ['member', 'moderator'] as const) await t.rejects(revoke({ ...admin, role }, { userId: 'bob' }), { code: 'CHAT_FORBIDDEN' })
  await t.rejects(revoke(admin, {}), { code: 'CHAT_VALIDATION', details: [{ field: 'userId', rule: 'required' }] })
  await t.rejects(revoke(admin, { userId: 'bob', tokenId: 'x' }), { code: 'CHAT_VALIDATION', details: [{ field: 'tokenId', rule: 'exclusive' }] })
  t.strictSame(rows, [])
  t.match(await revoke(admin, { tokenId: 'x', reason: 'lost' }), { tokenId: 'x', until: 1_000_000 + 30 * 86_400_000 })
})

t.test('so many at a time, and no more: none is forgotten for another', async t => {
  const { start, revoke, isRevoked } = setUp(Array.from({ length: 100_000 }, (_, n) => revoked(n + 1)))
  await start()
  await t.rejects(revoke(admin, { userId: 'bob' }), { code: 'CHAT_LIMIT_REACHED' })
  t.equal(isRevoked({ userId: 'ann', tokenId: 'token 1', issuedAt: 0 }), true)
})

t.test('a table that is away is read later, and what is known stays', async t => {
  const rows = [revoked(1)]
  const { start, isRevoked, reconnect, warned } = setUp(rows)
  await start()
  Object.defineProperty(rows, 'filter', { value: () => { throw new Error('away') } })
  reconnect()
  await turn()
  t.strictSame(warned, ['read what was revoked'])
  t.equal(isRevoked({ userId: 'ann', tokenId: 'token 1', issuedAt: 0 }), true)
})

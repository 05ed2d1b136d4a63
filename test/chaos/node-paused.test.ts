import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { within } from './crowd.ts'
import { size } from './sizes.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(180_000)

/** In the full size; in the small one it ends when the others have taken it for dead. */
const STANDSTILL_MS = 60_000
/** In the full size clients find out before they give up an answer; in the small one leases are short, because waiting for them is. */
const env: Record<string, string> = size.balanced === undefined
  ? { PRESENCE_HEARTBEAT: '300', PRESENCE_LEASE: '1500' }
  : { SOCKET_PING_INTERVAL: '2000', SOCKET_PING_TIMEOUT: '2000' }

/** It wakes with what its clients had sent when it stood still already, and others find what it does with that at the latest with CHAT_FEED_CHECK. */
const SETTLE_MS = 4000

t.test('a node stands still until the others take it for dead, and then goes on as if nothing had happened', async t => {
  const stage = await setUp(t, { nodes: 3, env: () => env })
  const { crowd, nodes: [, zombie] } = stage
  const redis = new Redis(stage.redis.url)
  t.teardown(() => redis.disconnect())
  const verdict = await run(t, stage, async () => {
    const its = crowd.members.filter(({ record }) => record.node === 1)
    t.ok(its.length > 3, `${its.length} clients are on it`)
    const start = Date.now()
    zombie!.kill('SIGSTOP')
    try {
      // In a minute its clients have given it up and are on the lists again, by another node.
      if (size.balanced !== undefined) return await delay(STANDSTILL_MS)
      await within('its members are taken off the lists', async () => {
        const listed = await Promise.all(its.map(({ record, session }) => redis.sismember(`cafe:${record.cafeId}:users`, session.user.id)))
        return listed.every(answer => answer === 0)
      })
    } finally {
      zombie!.kill('SIGCONT')
      t.comment(`stood still for ${Date.now() - start} ms`)
    }
  }, { settleMs: SETTLE_MS })
  hold(t, verdict)
  const waited = Math.max(...crowd.records.attempts.map(({ sentAt, ackedAt }) => ackedAt! - sentAt))
  t.ok(waited >= 1000, `its own clients had to wait, or to ask another node: ${waited} ms`)
})

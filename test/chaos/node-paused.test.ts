import { Redis } from 'ioredis'
import t from 'tap'
import { within } from './crowd.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('a node stands still until the others take it for dead, and then goes on as if nothing had happened', async t => {
  const stage = await setUp(t, { env: () => ({ PRESENCE_HEARTBEAT: '300', PRESENCE_LEASE: '1500' }) })
  const { crowd, nodes: [, zombie] } = stage
  const redis = new Redis(stage.redis.url)
  t.teardown(() => redis.disconnect())
  const verdict = await run(t, stage, async () => {
    const its = crowd.members.filter(({ record }) => record.node === 1)
    t.ok(its.length > 3, `${its.length} clients are on it`)
    zombie!.kill('SIGSTOP')
    try {
      await within('its members are taken off the lists', async () => {
        const listed = await Promise.all(its.map(({ record, session }) => redis.sismember(`cafe:${record.cafeId}:users`, session.user.id)))
        return listed.every(answer => answer === 0)
      })
    } finally {
      zombie!.kill('SIGCONT')
    }
  })
  hold(t, verdict)
  t.ok(verdict.ackMax >= 1000, 'its own clients had to wait')
})

import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('Redis is killed, and started again after a second', async t => {
  const stage = await setUp(t, { nodes: 3 })
  const verdict = await run(t, stage, async () => {
    stage.redis.kill()
    await delay(1000)
    await stage.redis.restart()
  })
  hold(t, verdict)
  t.ok(verdict.repaired > 0, 'the other nodes did miss something')
  inTime(t, verdict, 'ackMax', 1000)
  inTime(t, verdict, 'nearP99', 500)
})

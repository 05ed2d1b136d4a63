import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('Redis is killed and stays away for ten seconds; it comes back empty', async t => {
  const stage = await setUp(t)
  const verdict = await run(t, stage, async () => {
    stage.redis.kill()
    await delay(10_000)
    await stage.redis.restart()
  })
  hold(t, verdict)
  // Nodes look into the database meanwhile, so what is late was sent towards the end.
  t.ok(verdict.repaired > 0, 'the other nodes did miss something')
  inTime(t, verdict, 'ackMax', 1000)
  inTime(t, verdict, 'nearP99', 500)
})

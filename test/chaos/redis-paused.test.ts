import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('Redis stops answering for three seconds', async t => {
  const stage = await setUp(t)
  const verdict = await run(t, stage, async () => {
    stage.redis.kill('SIGSTOP')
    await delay(3000)
    stage.redis.kill('SIGCONT')
  })
  hold(t, verdict)
  t.ok(verdict.repaired > 0, 'the other node did miss something')
  inTime(t, verdict, 'ackMax', 1500)
  inTime(t, verdict, 'nearP99', 500)
})

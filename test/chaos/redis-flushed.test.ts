import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('Redis is emptied, and its subscribers are thrown out, again and again', async t => {
  const stage = await setUp(t)
  const operator = new Redis(stage.redis.url)
  t.teardown(() => operator.disconnect())
  let thrownOut = 0
  const verdict = await run(t, stage, async () => {
    for (let round = 0; round < 10; round++) {
      await operator.flushall()
      thrownOut += Number(await operator.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
      await delay(200)
    }
  })
  t.comment(`${thrownOut} connections of subscribers were ended`)
  t.ok(thrownOut > 4)
  hold(t, verdict)
  inTime(t, verdict, 'ackMax', 1000)
})

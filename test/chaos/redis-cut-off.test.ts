import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { setUpCutOff } from './cut-off.ts'
import { hold, inTime, run } from './stage.ts'

t.setTimeout(100_000)

t.test('one node loses Redis, first in silence, then by refusal; the other keeps it', async t => {
  const { stage, way } = await setUpCutOff(t, 'REDIS_URL')
  const verdict = await run(t, stage, async () => {
    way.pause()
    await delay(800)
    way.cut()
    await delay(2200)
    way.resume()
  })
  hold(t, verdict)
  t.ok(verdict.repaired > 0, 'the nodes did miss something')
  inTime(t, verdict, 'ackMax', 1500)
  inTime(t, verdict, 'nearP99', 500)
})

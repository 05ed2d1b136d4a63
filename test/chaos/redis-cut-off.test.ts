import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startProxy, type Proxy } from '../support/proxy.ts'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('one node loses Redis, first in silence, then by refusal; the other keeps it', async t => {
  const ways: Proxy[] = []
  const stage = await setUp(t, {
    async env ({ REDIS_URL: url }, index) {
      if (index > 0) return {}
      const way = await startProxy(t, url)
      ways.push(way)
      return { REDIS_URL: way.url }
    }
  })
  const [way] = ways
  const verdict = await run(t, stage, async () => {
    way!.pause()
    await delay(800)
    way!.cut()
    await delay(2200)
    way!.resume()
  })
  hold(t, verdict)
  t.ok(verdict.repaired > 0, 'the nodes did miss something')
  inTime(t, verdict, 'ackMax', 1500)
  inTime(t, verdict, 'nearP99', 500)
})

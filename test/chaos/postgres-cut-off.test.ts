import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { setUpCutOff } from './cut-off.ts'
import { hold, inTime, run } from './stage.ts'

t.setTimeout(100_000)

t.test('one node loses PostgreSQL, first in silence, then by refusal; the others keep it', async t => {
  const { stage, way } = await setUpCutOff(t, 'DATABASE_URL')
  const readiness = async () => (await fetch(`${stage.nodes[0]!.url}/health/ready`)).status
  let during = 0
  const verdict = await run(t, stage, async () => {
    way.pause()
    await delay(1200)
    way.cut()
    await delay(2500)
    during = await readiness()
    way.resume()
  })
  hold(t, verdict)
  t.equal(during, 503, 'a balancer sends it nobody')
  inTime(t, verdict, 'ackMax', 1000)
  const { attempts, members } = stage.crowd.records
  const moved = members.filter(({ steps }) => steps.filter(({ kind }) => kind === 'history').length > 1).length
  t.equal(moved, 0, 'nobody lost the connection')
  const elsewhere = attempts.filter(({ node }) => node > 0)
  t.ok(elsewhere.length > 20)
  // A machine that starves PostgreSQL makes it give up statements of any node.
  const refused = elsewhere.filter(({ tries }) => tries > 1).length
  t.ok(refused === 0 || verdict.calmMax > 300, `${elsewhere.length} sends by the others, ${refused} refused, the slowest calm ack took ${verdict.calmMax} ms`)
})

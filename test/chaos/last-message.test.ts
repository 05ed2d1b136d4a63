import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { within } from './crowd.ts'
import { setUpCutOff } from './cut-off.ts'
import { clean, finish } from './stage.ts'

t.setTimeout(100_000)

const CHECK_MS = 3000
const AFTER_LINK_MS = 2000
/** For the query, the way to the client, and a machine that is busy. */
const SLACK_MS = 500

t.test('nothing follows a message that a node missed: it arrives all the same', async t => {
  const { stage, way } = await setUpCutOff(t, 'REDIS_URL', { CHAT_FEED_CHECK: String(CHECK_MS) })
  const { crowd } = stage
  await crowd.talk({ perSecond: 20, seconds: 1 })
  const sender = crowd.members.find(({ record }) => record.node !== 0)!
  const { cafeId } = sender.record
  const deaf = crowd.members.filter(({ record }) => record.node === 0 && record.cafeId === cafeId)
  t.ok(deaf.length > 0)
  const heard = (content: string) => ({ record: { steps } }: typeof sender) => steps.some(step => step.kind === 'new' && step.message.content === content)
  const all = crowd.members.filter(({ record }) => record.cafeId === cafeId)
  const allHear = (content: string) => within('all have heard it', () => all.every(heard(content)))
  async function sayUnheard (content: string) {
    await crowd.send(sender, content)
    await delay(200)
    t.notOk(deaf.some(heard(content)), 'those on the deaf node have not heard it')
  }

  const brokenAt = Date.now()
  way.cut()
  // The node has just looked into the database when this is heard: the next look is as far away as it can be.
  await crowd.send(sender, 'said to see when the node looks')
  await allHear('said to see when the node looks')
  const saidAt = Date.now()
  await sayUnheard('said while the node was cut off')
  await allHear('said while the node was cut off')
  const cutOff = Date.now() - saidAt
  await sayUnheard('said before the link came back')
  const linkedAt = Date.now()
  way.resume()
  await allHear('said before the link came back')
  const linked = Date.now() - linkedAt
  const verdict = await finish(t, stage, { brokenAt, healedAt: Date.now() })
  t.comment(`heard ${cutOff} ms after the ack without Redis, ${linked} ms after Redis was back`)
  clean(t, verdict)
  t.ok(cutOff <= CHECK_MS + SLACK_MS, `${cutOff} ms without Redis`)
  t.ok(linked <= AFTER_LINK_MS + SLACK_MS, `${linked} ms after the link`)
})

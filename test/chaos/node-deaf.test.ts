import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { counter } from './copies.ts'
import { within } from './crowd.ts'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

const readiness = async (url: string) => {
  const response = await fetch(`${url}/health/ready`)
  return `${response.status} ${(await response.json() as { feed: string }).feed}`
}

t.test('Redis answers, but no node hears what it publishes any more', async t => {
  const stage = await setUp(t, { env: () => ({ REDIS_CANARY: '300' }) })
  const operator = new Redis(stage.redis.url)
  t.teardown(() => operator.disconnect())
  const ready = () => Promise.all(stage.nodes.map(({ url }) => readiness(url)))
  t.same(await ready(), stage.nodes.map(() => '200 up'))
  const all = (answer: string) => within(`every node says ${answer}`, async () => (await ready()).every(one => one === answer))
  let repairs = 0
  let soon: string[] = []
  const verdict = await run(t, stage, async () => {
    await operator.acl('SETUSER', 'default', 'resetchannels')
    await delay(1000)
    soon = await ready()
    await all('503 down')
    for (const node of stage.nodes) repairs += await counter(node, 'chat_feed_repairs_total')
    await operator.acl('SETUSER', 'default', 'allchannels')
    await all('200 up')
  })
  t.same(soon, stage.nodes.map(() => '200 up'), 'not after a second: it takes six times REDIS_CANARY')
  hold(t, verdict)
  t.ok(repairs > 0, `${repairs} changes came by the comparisons with the database meanwhile`)
  inTime(t, verdict, 'ackMax', 1000)
})

import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { counter } from './copies.ts'
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
  const answers: string[][] = []
  let repairs = 0
  const verdict = await run(t, stage, async () => {
    await operator.acl('SETUSER', 'default', 'resetchannels')
    await delay(1000)
    answers.push(await ready())
    await delay(2500)
    answers.push(await ready())
    for (const node of stage.nodes) repairs += await counter(node, 'chat_feed_repairs_total')
    await operator.acl('SETUSER', 'default', 'allchannels')
    await delay(1500)
    answers.push(await ready())
  })
  t.same(answers[0], stage.nodes.map(() => '200 up'), 'not yet, after a second')
  t.same(answers[1], stage.nodes.map(() => '503 down'), 'after six times REDIS_CANARY')
  t.same(answers[2], stage.nodes.map(() => '200 up'), 'and back')
  hold(t, verdict)
  t.ok(repairs > 0, `${repairs} changes came by the comparisons with the database meanwhile`)
  inTime(t, verdict, 'ackMax', 1000)
})

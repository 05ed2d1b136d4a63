import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { within } from './crowd.ts'
import { clean, finish, setUp } from './stage.ts'

t.setTimeout(100_000)

/** Longer than a node waits between two looks at its open cafes. */
const MENDED_MS = 5000

t.test('what was deleted while Redis refused to write is gone from its list soon after, although nobody says anything more', async t => {
  const stage = await setUp(t, { cafes: 1 })
  const { crowd: { members: [ann], cafeIds: [cafeId], send }, redis } = stage
  const operator = new Redis(redis.url)
  t.teardown(() => operator.disconnect())
  const list = async () => (await operator.lrange(`cafe:${cafeId}:messages`, 0, -1)).join('\n')
  await send(ann!, 'said in the open')
  await send(ann!, 'said by mistake')
  await within('the list has it', async () => (await list()).includes('by mistake'))

  const brokenAt = Date.now()
  await operator.config('SET', 'maxmemory', '1mb')
  const answer = await ann!.socket.timeout(5000).emitWithAck('message:delete', { messageId: ann!.own.at(-1) })
  t.equal(answer.ok, true)
  await delay(500)
  await operator.config('SET', 'maxmemory', '0')
  await within('the list has it no more', async () => !(await list()).includes('by mistake'), MENDED_MS)
  clean(t, await finish(t, stage, { brokenAt, healedAt: Date.now() }))
})

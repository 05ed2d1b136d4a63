import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { setUpOwn, show } from './postgres.ts'

t.setTimeout(100_000)

t.test('PostgreSQL is killed, and started again after a second', async t => {
  const stage = await setUpOwn(t)
  await show(t, stage, async () => {
    stage.postgres.kill()
    await delay(1000)
    await stage.postgres.restart()
  })
})

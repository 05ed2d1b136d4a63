import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { setUpOwn, show } from './postgres.ts'

t.setTimeout(100_000)

t.test('PostgreSQL stops answering for five seconds, and then does what it was asked before', async t => {
  const stage = await setUpOwn(t)
  await show(t, stage, async () => {
    stage.postgres.kill('SIGSTOP')
    await delay(5000)
    stage.postgres.kill('SIGCONT')
  })
})

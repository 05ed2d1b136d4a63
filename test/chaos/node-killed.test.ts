import t from 'tap'
import { within } from './crowd.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('a node is killed; its clients come back to another with `since` and repeat what was not acked', async t => {
  const stage = await setUp(t)
  const { nodes: [, victim], crowd } = stage
  const orphans = crowd.members.filter(({ record }) => record.node === 1)
  const histories = () => orphans.map(({ record }) => record.steps.findLast(step => step.kind === 'history')!)
  const before = histories()
  const verdict = await run(t, stage, async () => {
    // In the middle of sends of every one of them.
    for (const member of orphans) crowd.send(member, `in flight, by ${member.record.name}`)
    victim!.kill('SIGKILL')
    await victim!.exited
    await within('the clients notice', () => orphans.every(({ socket }) => !socket.connected))
    for (const member of orphans) member.move(0)
    await within('all are back', () => orphans.every(({ joined }) => joined))
  }, [victim!])
  hold(t, verdict)
  const after = histories()
  t.ok(after.every((history, index) => history !== before[index]), 'each came back once')
  t.ok(after.every(history => history.recovered), 'with exactly what it had missed')
  t.ok(crowd.records.attempts.some(({ tries, ackedAt }) => tries > 1 && ackedAt !== undefined), 'some sends were repeated')
})

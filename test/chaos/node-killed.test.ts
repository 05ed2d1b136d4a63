import t from 'tap'
import { within } from './crowd.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

t.test('a node is killed; its clients come back to another with `since` and repeat what was not acked', async t => {
  const stage = await setUp(t)
  const { nodes: [, victim], crowd } = stage
  let orphans: typeof crowd.members = []
  const histories = () => orphans.map(({ record }) => record.steps.findLast(step => step.kind === 'history')!)
  let before: ReturnType<typeof histories> = []
  const verdict = await run(t, stage, async () => {
    orphans = crowd.members.filter(({ record }) => record.node === 1)
    before = histories()
    stage.killed.add(victim!)
    // In the middle of sends of every one of them.
    for (const member of orphans) crowd.send(member, `in flight, by ${member.record.name}`)
    victim!.kill('SIGKILL')
    await victim!.exited
    await within('all are back', () => histories().every((history, index) => history !== before[index] && orphans[index]!.joined))
  })
  hold(t, verdict)
  t.ok(orphans.length > 3, `${orphans.length} clients were on it`)
  const after = histories()
  t.ok(after.every((history, index) => history !== before[index]), 'each came back')
  t.ok(after.every(history => history.recovered), 'with exactly what it had missed')
  t.ok(crowd.records.attempts.some(({ tries, ackedAt }) => tries > 1 && ackedAt !== undefined), 'some sends were repeated')
})

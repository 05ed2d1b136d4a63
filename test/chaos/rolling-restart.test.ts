import t from 'tap'
import { within } from './crowd.ts'
import { size } from './sizes.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

const MOST_CLIENTS = 100
/** In `npm test` there are others who need the machine. */
const PER_SECOND = size.balanced === undefined ? 50 : 200

t.test('three nodes are restarted one after another, while everybody talks', async t => {
  // More would keep two cores busy before anything is restarted: each message goes to every member of its cafe.
  const stage = await setUp(t, { nodes: 3, clients: Math.min(size.clients, MOST_CLIENTS) })
  const { crowd: { members }, nodes } = stage
  const stops: number[] = []
  const verdict = await run(t, stage, async () => {
    for (const index of nodes.keys()) {
      const start = Date.now()
      await stage.restart(index)
      stops.push(Date.now() - start)
      await within('all are back', () => members.every(({ joined }) => joined))
    }
  }, { perSecond: PER_SECOND })
  hold(t, verdict)
  t.comment(`each took ${stops.join(', ')} ms; the longest silence of a client was ${verdict.silenceMax} ms`)
  t.ok(members.every(({ record }) => record.steps.filter(({ kind }) => kind === 'history').length > 1), 'every client had to come back')
})

import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { within } from './crowd.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

const DRAIN_WAIT_MS = 600

t.test('a node is asked to end under load: it says so first, answers what it has begun, and its clients go elsewhere', async t => {
  const stage = await setUp(t, { env: () => ({ DRAIN_WAIT: String(DRAIN_WAIT_MS) }) })
  const { crowd, nodes: [, leaver] } = stage
  let refusedAt = Infinity
  let closedAt = Infinity
  let warned = 0
  let inFlight: typeof crowd.records.attempts = []
  let members: typeof crowd.members = []
  let stopMs = Infinity
  let code: number | null = null

  /** Asks for the readiness again and again, until nobody answers. */
  async function watch () {
    for (let status = 0; ; await delay(10)) {
      try {
        status = (await fetch(`${leaver!.url}/health/ready`)).status
      } catch {
        return
      }
      if (status === 503) refusedAt = Math.min(refusedAt, Date.now())
    }
  }

  const verdict = await run(t, stage, async () => {
    members = crowd.members.filter(({ record }) => record.node === 1)
    const histories = () => members.map(({ record }) => record.steps.filter(({ kind }) => kind === 'history').length)
    const before = histories()
    for (const { socket } of members) {
      socket.once('server:draining', ({ reconnectAfterMs }) => { if (reconnectAfterMs > 0) warned++ })
      socket.once('disconnect', () => { closedAt = Math.min(closedAt, Date.now()) })
    }
    inFlight = members.map(member => crowd.begin(member, `in flight, by ${member.record.name}`))
    members.forEach((member, index) => crowd.insist(member, inFlight[index]!))
    // They have reached the node, and are not answered yet.
    await delay(2)
    const start = Date.now()
    const watching = watch()
    leaver!.kill('SIGTERM')
    code = (await leaver!.exited).code
    stopMs = Date.now() - start
    await watching
    await within('all are back', () => members.every(({ joined }, index) => joined && histories()[index]! > before[index]!))
  })
  t.comment(`${members.length} clients; ready no more ${closedAt - refusedAt} ms before the first connection closed; ended after ${stopMs} ms; longest silence ${verdict.silenceMax} ms`)
  hold(t, verdict)
  t.ok(members.length > 3)
  t.equal(code, 0)
  t.ok(stopMs < 10_000, `${stopMs} ms`)
  t.ok(closedAt - refusedAt > DRAIN_WAIT_MS - 100, `/health/ready was 503 ${closedAt - refusedAt} ms before the first connection closed`)
  t.equal(warned, members.length, 'all heard server:draining')
  t.same(inFlight.map(({ tries }) => tries), inFlight.map(() => 1), 'what was in flight was answered on the same connection')
})

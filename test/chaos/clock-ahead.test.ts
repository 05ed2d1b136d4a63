import { execFileSync } from 'node:child_process'
import t from 'tap'
import { findProgram } from '../support/programs.ts'
import { guest, within } from './crowd.ts'
import type { Told } from './records.ts'
import { size } from './sizes.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

const AHEAD_MS = 300_000

/** JavaScript's clock, put forward before the program begins. */
const script = `
const right = Date
globalThis.Date = class extends right {
  constructor (...args) { args.length > 0 ? super(...args) : super(right.now() + ${AHEAD_MS}) }
  static now () { return right.now() + ${AHEAD_MS} }
}`

/** Variables by which a program lives five minutes in the future: by faketime in the full size, without anything to install in the small one. */
function ahead (): Record<string, string> {
  if (size.balanced === undefined) return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` }
  const lines = execFileSync(findProgram('faketime'), ['-f', '+5m', 'env'], { encoding: 'utf8' }).split('\n')
  // What else it sets belongs to a process that is gone.
  return Object.fromEntries(lines.map(line => line.split('=') as [string, string]).filter(([name]) => name === 'LD_PRELOAD' || name === 'FAKETIME'))
}

t.test('the clock of one node is five minutes ahead; it is killed, and its lease ends by the clock of Redis', async t => {
  const stage = await setUp(t, { nodes: 3, env: (_, index) => index === 1 ? ahead() : {} })
  const { crowd, nodes } = stage
  const [right, wrong] = await Promise.all(nodes.map(async node => Date.parse((await guest(node, 'asks for the time')).expiresAt)))
  t.ok(Math.abs(wrong! - right! - AHEAD_MS) < 5000, `${wrong! - right!} ms ahead`)
  const verdict = await run(t, stage, async () => {
    const victim = nodes[1]!
    const orphans = crowd.members.filter(({ record }) => record.node === 1)
    stage.killed.add(victim)
    victim.kill('SIGKILL')
    await victim.exited
    await within('its clients are back', () => orphans.every(({ joined, record }) => joined && record.steps.filter(({ kind }) => kind === 'history').length > 1))
  })
  hold(t, verdict)
  const times = crowd.records.members.flatMap(({ steps }) => steps.flatMap(step => {
    return step.kind === 'new' ? Math.abs(Date.parse((step.message as Told & { createdAt: string }).createdAt) - step.at) : []
  }))
  t.ok(Math.max(...times) < 60_000, 'the time of a message is that of the database')
})

import { spawn } from 'node:child_process'
import t from 'tap'
import { projectRoot, scriptArgs } from '../support/paths.ts'

t.setTimeout(60_000)

const main = (...names: string[]) => [process.execPath, ...scriptArgs('test/main'), ...names]

function run ([command, ...args]: string[]): Promise<{ code: number | null, output: string }> {
  // A run of its own, not one of this run's files.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TAP')))
  const child = spawn(command!, args, { cwd: projectRoot, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece: string) => { output += piece })
  return new Promise(resolve => { child.once('close', code => resolve({ code, output })) })
}

t.test('chosen files are run, and their assertions summed up', async t => {
  const { code, output } = await run(main('services/stems', 'scripts/nothing'))
  t.equal(code, 0)
  t.match(output, /^ok 1 - services\/stems\.test\.[jt]s # time=/m)
  t.match(output, /^1\.\.1$/m)
  t.match(output, /^# \{ total: \d+, pass: \d+ \}$/m)
})

t.test('on a terminal people get a report', async t => {
  const command = main('services/stems')
  // Linux has another script(1) than the BSDs.
  const inTerminal = process.platform === 'linux' ? ['-qec', command.map(word => `'${word}'`).join(' '), '/dev/null'] : ['-q', '/dev/null', ...command]
  const { code, output } = await run(['script', ...inTerminal])
  t.equal(code, 0)
  t.match(output, /PASS.*services\/stems\.test/)
  t.match(output, 'TEST COMPLETE')
  t.notMatch(output, /^ok /m)
})

t.test('a name that nobody has', async t => {
  const { code, output } = await run(main('nothing at all'))
  t.equal(code, 1)
  t.match(output, 'There is no such test')
})

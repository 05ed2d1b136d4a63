import { spawn } from 'node:child_process'
import t from 'tap'
import { projectRoot, scriptArgs } from '../support/paths.ts'

t.setTimeout(60_000)

/** test/chaos/main.ts with these arguments, on tests that need no servers. */
function chaos (args: string[], env: Record<string, string> = {}): Promise<{ code: number | null, stdout: string, stderr: string }> {
  const child = spawn(process.execPath, [...scriptArgs('test/chaos/main'), ...args], { cwd: projectRoot, env: { ...process.env, ...env } })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { stdout += piece })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => { stderr += piece })
  return new Promise(resolve => { child.once('close', code => resolve({ code, stdout, stderr })) })
}

t.test('chosen tests are run, and a line told of each', async t => {
  const { code, stdout } = await chaos(['--small', '--only', 'checker'])
  t.equal(code, 0)
  t.match(stdout, /^ok {6}checker, \d+ s$/m)
  t.match(stdout, /^fault +attempted +acked +lost +doubled +out of order +phantoms +hung +repair p50 ms +repair p99 ms +slowest ack ms +exits$/m)
  t.match(stdout, /^checker: an ideal run +10 +10 +0 +0 +0 +0 +0 +0 +0 +5 +0 0$/m)
  t.match(stdout, /^1 passed, 0 failed$/m)
})

t.test('a test that fails is named, and why, and the status says it', async t => {
  const { code, stdout } = await chaos(['--only', 'checker', '--only', 'oracle'], { CHAOS_RATE: 'many' })
  t.equal(code, 1)
  t.match(stdout, /^not ok {2}oracle, \d+ s$/m)
  t.match(stdout, 'CHAOS_RATE must be a whole number from 1 on')
  t.match(stdout, /^failed: oracle\n1 passed, 1 failed$/m)
})

t.test('a name that nobody has', async t => {
  const { code, stderr } = await chaos(['--only', 'nothing'])
  t.equal(code, 1)
  t.match(stderr, /there are .*\boracle\b/)
})

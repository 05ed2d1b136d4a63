import { spawn } from 'node:child_process'
import t from 'tap'
import { projectRoot, scriptArgs } from '../support/paths.ts'

t.setTimeout(60_000)

/** test/fuzz/main.ts with these arguments. */
function fuzz (...args: string[]): Promise<{ code: number | null, stdout: string, stderr: string }> {
  const child = spawn(process.execPath, [...scriptArgs('test/fuzz/main'), ...args], { cwd: projectRoot })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => { stdout += piece })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => { stderr += piece })
  return new Promise(resolve => { child.once('close', code => resolve({ code, stdout, stderr })) })
}

t.test('one session of a seed, by its path', async t => {
  const { code, stdout } = await fuzz('--seed', '7', '--path', '3')
  t.match(stdout, /^ok {4} {2}seed 7: \d{2,3} cases, \d+ s\n\d{2,3} cases from seed 7 on, none failed\n$/)
  t.equal(code, 0)
})

t.test('numbers that are none', async t => {
  for (const args of [['--seed', 'seven'], ['--minutes', '0'], ['--minutes', 'x']]) {
    const { code, stderr } = await fuzz(...args)
    t.equal(code, 1)
    t.equal(stderr, '--minutes and --seed are numbers\n')
  }
})

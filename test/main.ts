/**
 * `npm test` and `npm run test:fast`: every test file, each in a process of its own, several at a time; fault tests in their small size.
 *
 *   node build/test/main.js [NAME]...     those with NAME in their paths
 *
 * They are in the form in which this runs: compiled, or as sources when it is started through tsx. What they share, PostgreSQL and
 * whoever ends the servers of a test that died, is started before them.
 *
 * tap spawns them, but not by its own command, and without the NODE_OPTIONS that it adds: those put a thread of module loaders into
 * every process, servers included, which is more than a third of what a small test file costs.
 */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { report } from '@tapjs/reporter'
import t from 'tap'
import { compiled } from './support/paths.ts'
import { findProgram } from './support/programs.ts'
import { startRun } from './support/run.ts'

/** Of one file, and of one test in it that sets no limit of its own. */
const TIMEOUT_S = 120

const ending = compiled ? '.test.js' : '.test.ts'
const folder = fileURLToPath(new URL('.', import.meta.url))
const nodeArgs = compiled ? ['--enable-source-maps'] : ['--import=tsx']
const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT_S) }
/** Coverage would cost the servers of fault tests a good part of their speed. */
const chaosEnv = { ...env, CHAOS_SIZE: 'small', NODE_V8_COVERAGE: '' }

const names = process.argv.slice(2)
// By the names of files, not of folders: those of one folder load the machine in the same way, and are better spread.
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith(ending) && (names.length === 0 || names.some(name => file.includes(name))))
  .toSorted((a, b) => basename(a) < basename(b) ? -1 : 1)
if (files.length === 0) throw new Error('There is no such test')

// For people. It asks tap's configuration whether to show comments: those of fault tests are figures.
if (process.stdout.isTTY) await report('base', t, { get: () => true } as never)
// Told once, and not by each file that needs it.
findProgram('redis-server')
const run = await startRun(process.pid)
await run.postgres()
t.teardown(() => run.stop())
t.setTimeout(0)
// Most of the time is waiting: for processes to come and go, for faults to heal.
t.jobs = 2 * availableParallelism()
for (const file of files) {
  const options = { buffered: true, timeout: TIMEOUT_S * 1000, env: file.startsWith('chaos/') ? chaosEnv : env }
  t.spawn('env', [`NODE_OPTIONS=${process.env.NODE_OPTIONS ?? ''}`, process.execPath, ...nodeArgs, folder + file], options, file)
}

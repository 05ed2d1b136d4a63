/** Before the first test file of a run of tap (`prepare <tap's pid>`): what all of them share is started, what is missing is told once. */
import { writeBaseline } from './coverage.ts'
import { findProgram } from './programs.ts'
import { startRun } from './run.ts'

findProgram('redis-server')
const run = await startRun(Number(process.argv[2]))
await run.postgres()
if (process.env.TAP_DISABLE_COVERAGE !== '1') writeBaseline()

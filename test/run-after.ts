/** tap's `after`: the orderly end. Should tap never come to this, the supervisor notices by itself. */
import { connect } from './support/run.ts'

const run = await connect(process.ppid)
await run?.stop()

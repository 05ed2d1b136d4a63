/* c8 ignore start - tap counts what runs here as covered, whatever .taprc's coverage-exclude says; hence also the child */
/** tap's `before`. */
import { fork } from 'node:child_process'

fork(new URL(import.meta.url.replace('run-before', 'support/prepare')), [String(process.ppid)], {
  env: { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' }
}).once('exit', (code) => { process.exitCode = code ?? 1 })
/* c8 ignore stop */

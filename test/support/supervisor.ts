/**
 * Holds the servers of one test run: `supervisor <pid of the run> <state file>`.
 *
 * It is a process of its own because nothing inside a run survives its `kill -9`. It watches the run, and when that is gone,
 * when it is told to, or at the latest after two hours, it stops all servers, kills what the test processes started, and ends.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../stores/postgres/embedded/index.ts'
import { isRunning, startOf } from '../../stores/postgres/embedded/process.ts'
import { testSettings } from './postgres-settings.ts'
import type { Answer, Order, RunState } from './run.ts'

const WATCH_MS = 250
const HARD_CAP_MS = 2 * 60 * 60 * 1000
/** For PostgreSQL's orderly stop. After that this process ends, which stops PostgreSQL as well, and the data goes. */
const STOP_CAP_MS = 4000

const owner = Number(process.argv[2])
const ownerStarted = startOf(owner)
const stateFile = String(process.argv[3])
const folder = mkdtempSync(join(tmpdir(), 'klatsch-test-'))
// As root PostgreSQL may have to run as another user, who must be able to pass.
chmodSync(folder, 0o711)
/** Line to a test process -> that process and the servers that it started itself. */
const testers = new Map<Socket, { pid: number, servers: Set<number> }>()
let postgres: Promise<EmbeddedPostgres> | undefined
let stopping = false

createServer(serve).listen(join(folder, 'orders'), announce)
setInterval(() => { if (!isRunning(owner, ownerStarted)) stop('the run is gone') }, WATCH_MS)
setTimeout(() => stop('two hours are over'), HARD_CAP_MS)
process.once('SIGTERM', () => stop('asked by SIGTERM'))

function announce () {
  const state: RunState = { pid: process.pid, socket: join(folder, 'orders') }
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${stateFile}.new`, JSON.stringify(state), { mode: 0o600 })
  renameSync(`${stateFile}.new`, stateFile)
}

function serve (socket: Socket) {
  const tester = { pid: 0, servers: new Set<number>() }
  testers.set(socket, tester)
  createInterface(socket).on('line', (line) => {
    const order = JSON.parse(line) as Order
    if (order.do === 'join') tester.pid = order.pid
    if (order.do === 'adopt') tester.servers.add(order.pid)
    if (order.do === 'release') tester.servers.delete(order.pid)
    if (order.do === 'stop') stop('asked to')
    if (order.do === 'postgres') answerPostgres(socket)
  })
  // A killed test process resets the line; `close` follows and is what counts.
  socket.on('error', (error) => console.error(`line to ${tester.pid}: ${error.message}`))
  socket.on('close', () => {
    testers.delete(socket)
    tester.servers.forEach(kill)
  })
}

function answerPostgres (socket: Socket) {
  postgres ??= startEmbeddedPostgres({ dataDir: folder, log: { info: report, warn: report }, settings: testSettings })
  postgres.then(
    ({ url }): Answer => ({ url }),
    (error: Error): Answer => ({ error: String(error.stack) })
  ).then((answer) => socket.write(JSON.stringify(answer) + '\n'), report)
}

function stop (why: string) {
  if (stopping) return
  stopping = true
  report(why, 'stopping')
  rmSync(stateFile, { force: true })
  for (const { pid, servers } of testers.values()) {
    servers.forEach(kill)
    // The test processes of a killed run would wait for their servers until their own time is up.
    if (pid !== owner && !isRunning(owner, ownerStarted)) kill(pid)
  }
  // One that is just being started is waited for: nobody could stop it later.
  Promise.resolve(postgres)
    .then((running) => {
      setTimeout(() => finish(1), STOP_CAP_MS)
      return running?.stop()
    })
    .then(() => finish(0), (error: unknown) => {
      report(error, 'PostgreSQL did not stop')
      finish(1)
    })
}

function finish (code: number) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  if (code === 0) rmSync(`${stateFile}.log`, { force: true })
  process.exit(code)
}

function kill (pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // Gone already: what was to be reached.
    report(error, `cannot kill ${pid}`)
  }
}

/** Into the log beside the state file, which stays when something went wrong. */
function report (what: unknown, message = '') {
  console.error(new Date().toISOString(), message, what)
}

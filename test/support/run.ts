import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { projectRoot, scriptArgs } from './paths.ts'

/** A cold start: the supervisor may compile itself through tsx on a busy machine. */
const START_TIMEOUT_MS = 30_000
/** initdb and the first start of PostgreSQL. */
const POSTGRES_TIMEOUT_MS = 60_000

/** What the supervisor writes when it listens. */
export interface RunState {
  /** The supervisor's own pid. */
  pid: number
  /** Path of the socket on which it takes orders. */
  socket: string
}

/**
 * Orders to the supervisor, one JSON line each. `pid` is the sender's, or that of the server which is to be killed when the
 * sender is gone. Only `postgres` is answered.
 */
export interface Order { do: 'join' | 'adopt' | 'release' | 'postgres' | 'stop', pid: number }
export type Answer = { url: string } | { error: string }

/** One process' line to the supervisor. It keeps no process alive, and its end tells the supervisor that the process is gone. */
export interface Run {
  /** For files of the run's servers. It goes with the run, whatever becomes of the test processes. */
  folder: string
  /** URL of the run's PostgreSQL, which is started by the first call of any process. */
  postgres: () => Promise<string>
  /** Have the process `pid` killed when this one or the whole run is gone. */
  adopt: (pid: number) => void
  release: (pid: number) => void
  /** Have everything stopped; resolves when the supervisor is gone. */
  stop: () => Promise<void>
}

let joined: Promise<Run> | undefined

/** The run that this test process belongs to: that of test/main.ts, whose pid is our parent's, or one of its own when it was started by hand. */
export function joinRun (): Promise<Run> {
  joined ??= connect(process.ppid).then((run) => run ?? startRun(process.pid))
  return joined
}

/** A new folder, `name` and something random, that is removed at the latest with the run. */
export async function makeFolder (name: string): Promise<string> {
  const { folder } = await joinRun()
  return mkdtempSync(join(folder, `${name}-`))
}

/** Start a supervisor for the run of process `owner` and connect to it. It stops everything when `owner` is gone. */
export async function startRun (owner: number): Promise<Run> {
  const state = stateFile(owner)
  mkdirSync(dirname(state), { recursive: true })
  const log = openSync(`${state}.log`, 'w')
  const child = spawn(process.execPath, [...scriptArgs('test/support/supervisor'), String(owner), state], {
    cwd: projectRoot,
    // It must outlive a Ctrl-C in the terminal and must not hold tap's pipes open.
    detached: true,
    stdio: ['ignore', log, log]
  })
  closeSync(log)
  child.unref()
  const deadline = Date.now() + START_TIMEOUT_MS
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const run = await connect(owner)
    if (run !== undefined) return run
    await delay(25)
  }
  child.kill()
  throw new Error(`the servers' supervisor did not start:\n${readFileSync(`${state}.log`, 'utf8')}`)
}

/** Connect to the supervisor of `owner`'s run; undefined when there is none. */
export async function connect (owner: number): Promise<Run | undefined> {
  const file = stateFile(owner)
  if (!existsSync(file)) return undefined
  const state = JSON.parse(readFileSync(file, 'utf8')) as RunState
  const socket = createConnection(state.socket)
  // A file without a listener behind it was left by a machine that went down, and its pid came round again.
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  return isOpen ? createRun(socket, dirname(state.socket)) : undefined
}

function createRun (socket: Socket, folder: string): Run {
  const order = (message: Order) => { socket.write(JSON.stringify(message) + '\n') }
  const closed = new Promise<void>((resolve) => { socket.once('close', () => resolve()) })
  socket.on('error', () => socket.destroy())
  socket.unref()
  order({ do: 'join', pid: process.pid })
  let url: Promise<string> | undefined

  return {
    folder,
    postgres: () => (url ??= askPostgres()),
    adopt: (pid) => order({ do: 'adopt', pid }),
    release: (pid) => order({ do: 'release', pid }),
    async stop () {
      socket.ref()
      order({ do: 'stop', pid: process.pid })
      socket.resume()
      await closed
    }
  }

  async function askPostgres (): Promise<string> {
    // While an answer is awaited the line must keep the process alive.
    socket.ref()
    const answer = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(reject, POSTGRES_TIMEOUT_MS, new Error('PostgreSQL did not start in time'))
      createInterface(socket).once('line', (line) => {
        clearTimeout(timer)
        const message = JSON.parse(line) as Answer
        if ('url' in message) resolve(message.url)
        else reject(new Error(message.error))
      }).once('close', () => {
        clearTimeout(timer)
        reject(new Error('the servers\' supervisor is gone'))
      })
    })
    order({ do: 'postgres', pid: process.pid })
    return answer.finally(() => socket.unref())
  }
}

function stateFile (owner: number): string {
  return join(projectRoot, '.tap', 'servers', `${owner}.json`)
}

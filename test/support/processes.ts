import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { joinRun } from './run.ts'

/** Output kept per child, in characters; the oldest goes first. */
const LOG_LIMIT = 8 * 1024 * 1024

/** Where what was opened is closed again: tap's `t`. */
export interface Scope { teardown: (fn: () => unknown) => unknown }

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface Launched<T> {
  pid: number
  child: ChildProcess
  /** What `ready` made of the output. */
  ready: T
  /** Everything that the child has written to stdout and stderr so far. */
  logs: () => string
  kill: (signal: NodeJS.Signals) => void
  exited: Promise<Exit>
}

export interface LaunchOptions<T> {
  command: string
  args: string[]
  options?: Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'>
  /** Called with the whole output after each piece of it; anything but undefined means ready. */
  ready: (output: string) => T | undefined
  timeoutMs?: number
}

/**
 * Start a server and wait until its output says that it is ready. The run's supervisor kills it should this process die first.
 * Rejects with the last output when the child cannot be started, ends, or is not ready in time (it is killed then).
 */
export async function launch<T> ({ command, args, options, ready, timeoutMs = 30_000 }: LaunchOptions<T>): Promise<Launched<T>> {
  const run = await joinRun()
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const { pid } = child
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal: signal as NodeJS.Signals | null }))
  })
  let output = ''
  const value = await new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${command} was not ready after ${timeoutMs} ms:\n${output.slice(-4000)}`))
    }, timeoutMs)
    const read = (piece: string) => {
      output = (output + piece).slice(-LOG_LIMIT)
      const found = ready(output)
      if (found === undefined) return
      clearTimeout(timer)
      resolve(found)
    }
    child.stdout.setEncoding('utf8').on('data', read)
    child.stderr.setEncoding('utf8').on('data', read)
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    // `close` and not `exit`: the last words of a child that dies at once are still in the pipe at `exit`.
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`${command} ended with ${signal ?? code}:\n${output.slice(-4000)}`))
    })
    if (pid === undefined) return
    run.adopt(pid)
    child.once('exit', () => run.release(pid))
  })
  return {
    pid: pid!,
    child,
    ready: value,
    logs: () => output,
    kill: (signal) => { child.kill(signal) },
    exited
  }
}

/** Ask a child to end, wait, and kill it when it has not ended within `graceMs`. */
export async function end ({ kill, exited }: Pick<Launched<unknown>, 'kill' | 'exited'>, graceMs = 10_000): Promise<Exit> {
  kill('SIGTERM')
  // A process that was stopped by SIGSTOP acts on SIGTERM only when it is continued.
  kill('SIGCONT')
  const timer = setTimeout(() => kill('SIGKILL'), graceMs)
  const exit = await exited
  clearTimeout(timer)
  return exit
}

/** A TCP port on 127.0.0.1 that was free a moment ago. Another process may take it: be ready to ask again. */
export async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => { server.close(resolve) })
  return port
}

/** Starts something on a free port. One that is taken between asking and starting costs another try. */
export async function startSomewhere<T> (start: (port: number) => Promise<T>): Promise<{ port: number, running: T }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, running: await start(port) }
    } catch (error) {
      if (attempt === 4 || !String(error).includes('ddress already in use')) throw error
    }
  }
}

/** Resolve as soon as `check` holds; reject when it does not within `timeoutMs`. */
export async function until (what: string, check: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!await check()) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`)
    await delay(25)
  }
}

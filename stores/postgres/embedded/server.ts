import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { end, isUp, launch } from './launch.ts'
import type { Launched, LaunchOptions } from './launch.ts'
import { lastLines, rotateLog } from './log.ts'

const maxDelayMs = 30_000

export interface Server { port: number, stop: () => Promise<void> }

/**
 * Starts PostgreSQL on a free port of 127.0.0.1 and keeps it there: when it dies, it is started again on the
 * same port, with growing delays up to 30 s.
 * @throws if it does not come up at first; the message holds the last lines of its log
 */
export async function runServer (options: LaunchOptions): Promise<Server> {
  const { log, logFile } = options
  const stopping = new AbortController()
  await rotateLog(logFile)
  const first = await firstLaunch(options, stopping.signal)
  const port = first.port
  let { child, offset }: Launched = first
  // Nobody calls stop() on an uncaught exception or process.exit(): do not leave the server behind then.
  /* c8 ignore next: runs when coverage has been taken */
  const onExit = () => { child.kill('SIGINT') }
  process.once('exit', onExit)
  const supervision = supervise()

  async function supervise (): Promise<void> {
    while (!stopping.signal.aborted) {
      if (isUp(child)) await once(child, 'exit')
      if (stopping.signal.aborted) return
      const { exitCode: code, signalCode: signal } = child
      log.warn({ code, signal, lastLines: await lastLines(logFile, offset) }, 'the embedded PostgreSQL has died: starting it again')
      await relaunch()
    }
  }

  async function relaunch (): Promise<void> {
    for (let delay = 100; !stopping.signal.aborted; delay = Math.min(delay * 2, maxDelayMs)) {
      try {
        ({ child, offset } = await launch(options, port, stopping.signal))
        log.info({ pid: child.pid, port }, 'the embedded PostgreSQL is back')
        return
      } catch (err) {
        /* c8 ignore next: stop() within the few ms of a restart */
        if (stopping.signal.aborted) return
        log.warn({ err, retryInMs: delay }, 'the embedded PostgreSQL does not start again')
        await pause(delay, stopping.signal)
      }
    }
  }

  return {
    port,
    async stop () {
      stopping.abort()
      await end(child)
      await supervision
      // A restart that had just succeeded when stop() was called.
      await end(child)
      process.removeListener('exit', onExit)
    }
  }
}

/** A port that was free a moment ago can be taken, and a dying predecessor can still hold the data: a few tries. */
async function firstLaunch (options: LaunchOptions, signal: AbortSignal, attempt = 1, deadline = Date.now() + 10_000): Promise<Launched & { port: number }> {
  const port = await freePort()
  try {
    return { port, ...await launch(options, port, signal) }
  } catch (err) {
    if (attempt === 4 || Date.now() > deadline) throw err
    options.log.warn({ err, attempt }, 'the embedded PostgreSQL does not start: trying again')
    await sleep(attempt * 200)
    return firstLaunch(options, signal, attempt + 1, deadline)
  }
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function pause (ms: number, signal: AbortSignal): Promise<void> {
  // The only way for it to fail is to be aborted, which ends the pause as it should.
  await sleep(ms, undefined, { signal, ref: false }).catch(() => {})
}

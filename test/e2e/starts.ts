/** Starts that do not simply succeed: what `startServer` of test/support does not cover. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectRoot, scriptArgs } from '../support/paths.ts'
import { end, launch, type Exit, type Launched, type Scope } from '../support/processes.ts'
import { startRelay } from '../support/relay.ts'

/** Longer than any start may take to fail, on a machine that is busy with other tests. */
const PATIENCE_MS = 40_000

export interface Ended { code: number | null, stdout: string, stderr: string }

/** A folder of the test's own. */
export function folder (t: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'klatsch-test-start-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

function environment (t: Scope, env: Record<string, string>) {
  const { PATH, HOME } = process.env
  return { PATH, HOME, HOST: '127.0.0.1', PORT: '0', DATA_DIR: folder(t), DRAIN_WAIT: '0', ...env }
}

/** Runs a script of the project to its end; killed (`code` null) if it has none. `env`: its whole environment, but for PATH and HOME. */
export async function run (t: Scope, script: string, env: Record<string, string> = {}): Promise<Ended> {
  return await new Promise((resolve) => {
    execFile(process.execPath, scriptArgs(script), {
      cwd: projectRoot,
      env: environment(t, env),
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL'
    }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr })
    })
  })
}

export interface Waiting extends Pick<Launched<string>, 'logs' | 'kill' | 'exited'> { url: string }

/** A server that listens, ready or not; or that has come as far as `sign` says. SIGTERM at teardown. `url`: what the first group of `sign` finds. */
export async function startListening (t: Scope, env: Record<string, string>, sign = /Server listening at (http:[^"]+)/): Promise<Waiting> {
  const server = await launch({
    command: process.execPath,
    args: scriptArgs('server'),
    options: { cwd: projectRoot, env: environment(t, env) },
    ready: output => sign.exec(output)?.[1],
    timeoutMs: PATIENCE_MS
  })
  t.teardown(() => end(server))
  return { url: server.ready, logs: server.logs, kill: server.kill, exited: server.exited }
}

/** Sends a signal and tells how the process ended, and after how many milliseconds. */
export async function signal ({ kill, exited }: Pick<Waiting, 'kill' | 'exited'>, name: NodeJS.Signals): Promise<Exit & { ms: number }> {
  const began = Date.now()
  kill(name)
  return { ...await exited, ms: Date.now() - began }
}

/** Hands on every connection to `port` of 127.0.0.1 to the server of `url`: a server that is there only from now on. */
export async function forward (t: Scope, port: number, url: string): Promise<void> {
  await startRelay(t, url, (client, upstream) => { client.pipe(upstream).pipe(client) }, port)
}

/** A URL of the same server with one part changed. */
export function change (url: string, part: 'password' | 'pathname' | 'port', value: string): string {
  const changed = new URL(url)
  changed[part] = value
  return changed.href
}

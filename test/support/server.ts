import { rmSync } from 'node:fs'
import { projectRoot, scriptArgs } from './paths.ts'
import { end, launch, type Exit, type Launched, type Scope } from './processes.ts'
import { makeFolder } from './run.ts'

export interface OwnServer extends Pick<Launched<string>, 'pid' | 'child' | 'logs' | 'kill' | 'exited'> {
  /** Without a slash at its end, such as http://127.0.0.1:41234. */
  url: string
  /** SIGTERM, and SIGKILL after 15 s. Resolves with the exit code, null when a signal ended it. */
  stop: () => Promise<number | null>
}

/**
 * The server as a process of its own: build/server.js when the test is compiled, else server.ts through tsx. Resolves when it
 * logs that it is ready; rejects with its output when it ends before that.
 * @param env its whole environment, but for PATH and HOME; HOST, PORT (0: any), DATA_DIR (a folder of its own) and DRAIN_WAIT (none) have defaults
 */
export async function startServer (t: Scope, env: Record<string, string>): Promise<OwnServer> {
  const dataDir = await makeFolder('data')
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }))
  const { PATH, HOME } = process.env
  const server = await launch({
    command: process.execPath,
    args: scriptArgs('server'),
    options: {
      cwd: projectRoot,
      // Nothing else of ours: a DATABASE_URL in the developer's shell must not reach a server under test.
      env: { PATH, HOME, HOST: '127.0.0.1', PORT: '0', DATA_DIR: dataDir, DRAIN_WAIT: '0', ...env }
    },
    ready: findUrl,
    timeoutMs: 60_000
  })
  const stop = async (): Promise<Exit> => end(server, 15_000)
  t.teardown(stop)
  const { pid, child, logs, kill, exited } = server
  return { url: server.ready, pid, child, logs, kill, exited, stop: async () => (await stop()).code }
}

/** The address in the first line that says `klatsch is ready`: field `url` of a JSON line, or a URL in plain text. */
export function findUrl (output: string): string | undefined {
  const line = output.split('\n').slice(0, -1).find((text) => text.includes('klatsch is ready'))
  if (line === undefined) return undefined
  const url = line.startsWith('{') ? (JSON.parse(line) as { url?: string }).url : /https?:\/\/[^\s"]+/.exec(line)?.[0]
  return url?.replace(/\/$/, '')
}

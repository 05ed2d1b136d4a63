import { projectRoot, scriptArgs } from '../../support/paths.ts'
import { end, launch, type Exit, type Scope } from '../../support/processes.ts'

export interface LiteralProcessOptions {
  databaseUrl: string
  redisUrl: string
  jwtSecret: string
  /** Added to its environment: LOG_LEVEL (info or chattier), TZ, TOPIC_EXPIRY_SECONDS, MESSAGES_PER_MINUTE. */
  env?: Record<string, string>
}

export interface LiteralProcess {
  /** Without a slash at its end. */
  url: string
  /** Its output so far. */
  logs: () => string
  /** How the process ended, undefined while it runs. */
  exited: () => Exit | undefined
  /** SIGTERM, and SIGKILL after 10 seconds; resolves when the process is gone. */
  stop: () => Promise<Exit>
  /** SIGKILL; resolves when the process is gone. */
  kill: () => Promise<Exit>
}

/** Starts the literal server as a process of its own, because one of its faults ends the process. It is stopped at teardown. */
export async function startLiteral (t: Scope, { databaseUrl, redisUrl, jwtSecret, env = {} }: LiteralProcessOptions): Promise<LiteralProcess & { pid: number }> {
  const { PATH, HOME } = process.env
  const server = await launch({
    command: process.execPath,
    args: scriptArgs('test/specification/literal/server'),
    options: {
      cwd: projectRoot,
      env: { PATH, HOME, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, JWT_SECRET: jwtSecret, ...env }
    },
    ready: (output) => /listening at (http:[^"]+)/.exec(output)?.[1]
  })
  const stop = () => end(server)
  t.teardown(stop)
  return { url: server.ready, pid: server.pid, logs: server.logs, exited, stop, kill }

  function exited (): Exit | undefined {
    const { exitCode, signalCode } = server.child
    return exitCode === null && signalCode === null ? undefined : { code: exitCode, signal: signalCode }
  }

  async function kill (): Promise<Exit> {
    server.kill('SIGKILL')
    return await server.exited
  }
}

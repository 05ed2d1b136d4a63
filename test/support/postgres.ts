import { chmodSync, rmSync } from 'node:fs'
import { chooseAccount, commandOf, environment } from '../../stores/postgres/embedded/account.ts'
import { findBinaries } from '../../stores/postgres/embedded/binaries.ts'
import { openCluster } from '../../stores/postgres/embedded/cluster.ts'
import { isRunning, startOf } from '../../stores/postgres/embedded/process.ts'
import { ensureDatabase, urlOf } from '../../stores/postgres/embedded/ready.ts'
import { childrenOf } from './process-table.ts'
import { testSettings } from './postgres-settings.ts'
import { freePort, launch, until, type Exit, type Launched, type Scope } from './processes.ts'
import { makeFolder } from './run.ts'

export interface OwnPostgres {
  /** Of its database `klatsch`; stays the same over restarts. */
  url: string
  port: number
  /** Of the postmaster that runs now or ran last. */
  readonly pid: number
  /**
   * A signal to the postmaster, SIGKILL when none is named: its children then end by themselves. SIGSTOP and SIGCONT go to
   * all of its processes, so that the whole cluster is paused: connections open, nothing answers.
   */
  kill: (signal?: NodeJS.Signals) => void
  /** Start it again on the same port with the same data. Ends it first if it still runs. */
  restart: () => Promise<void>
  /** Fast shutdown: clients are cut off. Nothing listens until `restart`. */
  stop: () => Promise<Exit>
}

/** A PostgreSQL cluster of the test's own, for faults that others must not feel. Unlike the run's, it is not started again when it dies. */
export async function startPostgres (t: Scope): Promise<OwnPostgres> {
  const folder = await makeFolder('postgres')
  // As root PostgreSQL may have to run as another user, who must be able to pass.
  chmodSync(folder, 0o711)
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const account = await chooseAccount(folder, await findBinaries())
  const cluster = await openCluster(account, false)
  const port = await freePort()
  /** Pid and start of the postmaster's children, as of the last signal. */
  let backends: Array<[number, string | undefined]> = []
  let running = await start()
  t.teardown(stop)
  await ensureDatabase(urlOf(port, cluster.password, 'postgres'), 'klatsch')

  return {
    url: urlOf(port, cluster.password, 'klatsch'),
    port,
    get pid () { return running.pid },
    kill,
    async restart () {
      await stop()
      // A backend that still works for a postmaster that was killed holds the shared memory, and the next one refuses to start.
      await until('the old backends are gone', () => !backends.some(([pid, started]) => isRunning(pid, started)), 10_000)
      running = await start()
    },
    stop
  }

  function start (): Promise<Launched<true>> {
    const settings = { ...testSettings, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '', max_connections: '200' }
    const [command, args] = commandOf(account, 'postgres', [
      '-D', cluster.folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    ])
    return launch({
      command,
      args,
      options: { cwd: '/', env: environment, ...account.user },
      ready: (output) => output.includes('ready to accept connections') || undefined,
      timeoutMs: 60_000
    })
  }

  function kill (signal: NodeJS.Signals = 'SIGKILL') {
    const { child, pid } = running
    if (child.exitCode !== null || child.signalCode !== null) return
    backends = childrenOf(pid).map((backend) => [backend, startOf(backend)])
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') backends.forEach(([backend]) => signalIfThere(backend, signal))
    child.kill(signal)
  }

  async function stop (): Promise<Exit> {
    kill('SIGCONT')
    kill('SIGINT')
    const timer = setTimeout(kill, 10_000, 'SIGQUIT')
    const exit = await running.exited
    clearTimeout(timer)
    return exit
  }
}

/** A backend may have ended since it was listed. */
function signalIfThere (pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

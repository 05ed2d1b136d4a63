import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export interface Ran { code: number | null, stdout: string, stderr: string }

/** Runs a program to its end, with PATH, HOME and `more` for its environment; killed after half a minute. */
export async function run (command: string, args: string[], cwd: string, more: Record<string, string> = {}): Promise<Ran> {
  const { PATH, HOME } = process.env
  const child = spawn(command, args, { cwd, env: { PATH, HOME, ...more }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000, killSignal: 'SIGKILL' })
  const ran: Ran = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { ran.stdout += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { ran.stderr += text })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ ...ran, code }))
  })
}

/** Makes sure that there is a curl: as root on Debian it is installed if need be. Throws with what to install elsewhere. */
export const findCurl = () => find(['curl', '--version'], ['ca-certificates', 'curl'], "The README's session needs curl on the PATH")

/** The same for a Python that reads times, as generated code wants it. */
export const findPython = () => find(['python3', '-c', 'import dateutil'], ['python3', 'python3-dateutil'], 'Generated code needs python3 with dateutil')

/** @param probe a command that succeeds when it is there; `packages` are Debian's */
function find ([command, ...args]: [string, ...string[]], packages: string[], need: string) {
  const isThere = () => spawnSync(command, args, { stdio: 'ignore' }).status === 0
  if (isThere()) return
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const wait = ['-o', 'DPkg::Lock::Timeout=120', '-qq']
    // A failed update (one of several sources is down) still leaves lists that may do.
    spawnSync('apt-get', [...wait, 'update'], { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000 })
    execFileSync('apt-get', [...wait, '--no-install-recommends', '-y', 'install', ...packages], { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 })
  }
  if (!isThere()) throw new Error(`${need}. Install it: package ${packages.at(-1)} of your system`)
}

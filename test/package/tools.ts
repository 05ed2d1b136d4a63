import { join } from 'node:path'
import { run, type Ran } from '../docs/run.ts'
import { projectRoot } from '../support/paths.ts'
import { makeFolder } from '../support/run.ts'
import { openTools } from '../support/tools.ts'

/** Judges of packages. */
export const { installed, install } = openTools('package')

/** A judge's verdict on a tarball or a folder. */
export const judge = (name: 'publint' | 'attw', ...args: string[]): Promise<Ran> => run(installed('.bin', name), args, projectRoot, { NO_COLOR: '1' })

/** npm's own settings, so that whoever gets packages through a proxy or a mirror does so here. */
const SETTINGS = /^((https?|no)_proxy|node_extra_ca_certs|npm_config_(registry|cache|userconfig|globalconfig))$/i
const settings = Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => value !== undefined && SETTINGS.test(name) ? [[name, value]] : []))

/** npm, in a folder, with nothing of this project's settings. `version`: another one than the one that is here. */
export async function npm (cwd: string, args: string[], version?: number): Promise<Ran> {
  const [command, ...before] = version === undefined ? ['npm'] : ['npx', '--yes', `npm@${version}`]
  const { code, stdout, stderr } = await run(command!, [...before, ...args], cwd, settings, 180_000)
  // Addresses are those of whoever runs this.
  return { code, stdout, stderr: stderr.replaceAll(/https?:\/\/[^\s"]+/g, '(address)') }
}

export const pack = (destination: string, env: Record<string, string> = {}): Promise<Ran> =>
  run(process.execPath, ['--import=tsx', 'scripts/pack.ts', destination], projectRoot, env, 60_000)

/** Where the tarball of this run is. What was built is packed: `npm run build` comes before. */
export const packed = await makeFolder('package')
const { code, stdout, stderr } = await pack(packed)
if (code !== 0) throw new Error(stderr)

/** What packing said: the tarball's name, and its size. */
export const said = stdout.trim()
export const tarball = join(packed, said.split(':')[0]!)

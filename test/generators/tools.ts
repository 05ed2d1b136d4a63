import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { projectRoot } from '../support/paths.ts'

/** Judges and generators are heavy, so they have a folder, a lock file and an install of their own. */
export const folder = join(projectRoot, '.ci', 'generators')

const require = createRequire(join(folder, 'package.json'))

/** The folder of one of these packages, or a file in it. */
export const installed = (...path: string[]) => join(folder, 'node_modules', ...path)

/** One of these packages, as its CommonJS part exports it. */
export const load = <T>(name: string): T => require(name) as T

/** Installs them, unless what is there is what the lock file says. Scripts of packages are not run (its .npmrc). */
export function install () {
  if (isInstalled()) return
  const { status, error } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: 240_000 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`npm ci in .ci/generators ended with ${status}`)
}

interface Lock { packages: Record<string, { version: string, integrity?: string, optional?: boolean }> }

/** npm writes what it has installed beside it. What is optional may not be there. */
function isInstalled (): boolean {
  const seen = installed('.package-lock.json')
  if (!existsSync(seen)) return false
  const [wanted, found] = [join(folder, 'package-lock.json'), seen].map(file => (JSON.parse(readFileSync(file, 'utf8')) as Lock).packages)
  return Object.entries(wanted!).every(([path, { version, optional }]) => path === '' || optional === true || found![path]?.version === version)
}

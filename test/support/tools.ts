import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { projectRoot } from './paths.ts'

export interface Tools {
  /** The folder of one of these packages, or a file in it. */
  installed: (...path: string[]) => string
  /** One of these packages, as its CommonJS part exports it. */
  load: <T>(name: string) => T
  /** Installs them, unless what is there is what the lock file says. Scripts of packages are not run (their .npmrc). */
  install: () => void
}

interface Lock { packages: Record<string, { version: string, integrity?: string, optional?: boolean }> }

/** Packages that only CI needs. They are heavy, so each set has a folder below .ci/, with a lock file and an install of its own. */
export function openTools (name: string): Tools {
  const folder = join(projectRoot, '.ci', name)
  const require = createRequire(join(folder, 'package.json'))
  const installed = (...path: string[]) => join(folder, 'node_modules', ...path)

  return {
    installed,
    load: <T>(name: string) => require(name) as T,
    install () {
      if (isInstalled()) return
      const { status, error } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: 240_000 })
      if (error !== undefined) throw error
      if (status !== 0) throw new Error(`npm ci in .ci/${name} ended with ${status}`)
    }
  }

  /** npm writes what it has installed beside it. What is optional may not be there. */
  function isInstalled (): boolean {
    const seen = installed('.package-lock.json')
    if (!existsSync(seen)) return false
    const [wanted, found] = [join(folder, 'package-lock.json'), seen].map(file => (JSON.parse(readFileSync(file, 'utf8')) as Lock).packages)
    return Object.entries(wanted!).every(([path, { version, optional }]) => path === '' || optional === true || found![path]?.version === version)
  }
}

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where Debian puts servers, which is not on the PATH of ordinary users. */
const SERVERS = '/usr/sbin'

/**
 * The path of a program that tests need, installed first where that is possible: as root on Debian.
 * @param packages of Debian
 * @throws with what to install, where that is not possible
 */
export function findProgram (name: string, packages: string[] = [name]): string {
  provide(`${name} on the PATH`, packages, () => onPath(name) !== undefined)
  return onPath(name)!
}

/** The same of anything else that `isThere` can see. */
export function provide (what: string, packages: string[], isThere: () => boolean) {
  if (isThere()) return
  const isDebian = existsSync('/etc/debian_version')
  if (process.getuid?.() === 0 && isDebian) install(packages)
  if (!isThere()) throw new Error(`This needs ${what}. Install it: ${isDebian ? `apt-get install ${packages.join(' ')}` : `packages like Debian's ${packages.join(', ')}`}`)
}

/** A Python that has these modules: the one on the PATH, or that of Debian, for which alone packages can be installed. */
export function findPython (modules: string[]): string {
  const find = () => ['python3', '/usr/bin/python3'].find(python => spawnSync(python, ['-c', `import ${modules.join()}`], { stdio: 'ignore' }).status === 0)
  provide(`a Python with ${modules.join(' and ')}`, ['python3', ...modules.map(name => `python3-${name}`)], () => find() !== undefined)
  return find()!
}

function onPath (name: string): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), SERVERS]
    .map(folder => join(folder, name))
    .find(file => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function install (packages: string[]) {
  // Debian's way to say that packages must not start their services: we start our own servers.
  const policy = '/usr/sbin/policy-rc.d'
  const isOurs = !existsSync(policy)
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const wait = ['-o', 'DPkg::Lock::Timeout=120', '-qq']
    // A failed update (one of several sources is down) still leaves lists that may do.
    spawnSync('apt-get', [...wait, 'update'], { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 120_000 })
    // What it says of a failure is shown; whether the program is there now is seen next.
    spawnSync('apt-get', [...wait, '--no-install-recommends', '-y', 'install', ...packages], { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 180_000 })
  } finally {
    if (isOurs) rmSync(policy)
  }
}

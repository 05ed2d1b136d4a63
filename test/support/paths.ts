import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** True when this runs as tsc's output, false when it runs from the sources through tsx. */
export const compiled = import.meta.url.endsWith('.js')

/** The folder of package.json: one level higher when compiled, so it is looked for, not counted. */
export const projectRoot = findRoot(dirname(fileURLToPath(import.meta.url)))

/** Node's arguments for a script of the project in the same form (compiled or not) as the caller. */
export function scriptArgs (script: string): string[] {
  return compiled
    ? [join(projectRoot, 'build', `${script}.js`)]
    : ['--import=tsx', join(projectRoot, `${script}.ts`)]
}

function findRoot (folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error('no package.json above the tests')
  return findRoot(parent)
}

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from './paths.ts'

/** Compiled code that is not counted, as in .taprc's coverage-exclude. */
const excluded = /^(test|bench)\//

/**
 * Tell tap of every compiled file, with nothing of it run. What the tests then run is added to that, so a file that no test
 * loads shows up with 0 percent. Without this tap reports only files that were loaded.
 */
export function writeBaseline () {
  const build = join(projectRoot, 'build')
  const folder = join(projectRoot, '.tap', 'coverage')
  const result = readdirSync(build, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js') && !excluded.test(file))
    .map((file) => ({ file: join(build, file), code: readFileSync(join(build, file), 'utf8') }))
    .filter(({ code }) => hasCode(code))
    .map(({ file, code }) => untouched(pathToFileURL(file).href, code))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'baseline.json'), JSON.stringify({ result }))
}

/** One script in V8's coverage format: the module as a block that ran 0 times. */
export function untouched (url: string, code: string) {
  // Two ranges: V8's own for the module reaches the end of the file and is what the counts of a run are merged with. But
  // that end (the sourceMappingURL comment) has no place in the source, so only the second range reaches the report.
  const ranges = [code.length, code.lastIndexOf('\n//# sourceMappingURL=')]
    .map((endOffset) => ({ startOffset: 0, endOffset, count: 0 }))
  return { scriptId: '0', url, functions: [{ functionName: '', ranges, isBlockCoverage: true }] }
}

/** Nothing is left of a module of types, and nothing loads it. */
export function hasCode (code: string): boolean {
  return code
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace('export {};', '')
    .trim() !== ''
}

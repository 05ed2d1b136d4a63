import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../support/paths.ts'

/** The versions in which what is known of our parts was mended, and what that was. Lower ones must not come back, not even as somebody's dependency. */
const floors: Record<string, [version: string, why: string]> = {
  fastify: ['5.12.2', 'CVE-2025-32442, CVE-2026-25223, CVE-2026-25224, CVE-2026-33806, CVE-2026-3635, CVE-2026-16732: bodies past their schema, forged addresses'],
  'fast-jwt': ['6.3.1', 'CVE-2023-48223, CVE-2025-30144, CVE-2026-34950, CVE-2026-35039, CVE-2026-35041, CVE-2026-44351: confusions of algorithms and keys'],
  'fast-uri': ['3.1.6', 'URLs read in two ways'],
  'engine.io': ['6.6.9', 'CVE-2022-21676, CVE-2022-41940, CVE-2023-31125, CVE-2026-48779: frames that end the process or fill the memory'],
  'socket.io': ['4.6.2', 'CVE-2024-38355: an `error` event that ends the process'],
  'socket.io-parser': ['4.2.7', 'CVE-2022-2421, CVE-2023-32695, CVE-2026-33151, CVE-2026-69185: attachments without an end, or without a beginning'],
  ws: ['8.21.0', 'CVE-2024-37890, CVE-2026-45736, CVE-2026-48779: header floods, fragments'],
  'find-my-way': ['9.0.1', 'CVE-2024-45813: patterns that take for ever']
}

const { packages } = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as { packages: Record<string, { version?: string, dev?: boolean, resolved?: string, integrity?: string, link?: boolean }> }

const parts = (version: string) => version.split('-')[0]!.split('.').map(Number)

function isBelow (version: string, floor: string): boolean {
  const [have, want] = [parts(version), parts(floor)]
  const at = have.findIndex((number, index) => number !== want[index])
  return at >= 0 && have[at]! < want[at]!
}

/** Below what the lock file has: those that are too old, each with where it lies. */
const tooOld = (of: typeof packages) => Object.entries(of).filter(([, { dev }]) => dev !== true).flatMap(([path, { version = '' }]) => {
  const [floor] = floors[path.split('node_modules/').at(-1)!] ?? []
  return floor !== undefined && isBelow(version, floor) ? [`${path} ${version} is below ${floor}`] : []
})

t.test('no part that runs with the server is older than its known faults', async t => {
  t.strictSame(tooOld(packages), [])
  for (const name of Object.keys(floors)) {
    t.ok(Object.keys(packages).some(path => path.endsWith(`node_modules/${name}`)), `${name} is looked at`)
  }
})

t.test('an older one is found, wherever it lies', async t => {
  t.strictSame(tooOld({ 'node_modules/ws': { version: '8.20.9' }, 'node_modules/a/node_modules/fastify': { version: '5.9.9' }, 'node_modules/b/node_modules/ws': { version: '8.21.0' } }), [
    'node_modules/ws 8.20.9 is below 8.21.0', 'node_modules/a/node_modules/fastify 5.9.9 is below 5.12.2'
  ])
  for (const [have, floor, below] of [['8.21.0', '8.21.0', false], ['8.100.0', '8.21.0', false], ['10.0.0', '9.9.9', false], ['9.9.9', '10.0.0', true], ['5.12.2-rc.1', '5.12.2', false]] as const) t.equal(isBelow(have, floor), below, `${have} ${floor}`)
})

t.test('everything is pinned, with its digest, and from the registry of whoever installs it', async t => {
  const others = Object.entries(packages).filter(([path, { link }]) => path !== '' && link !== true)
  t.ok(others.length > 100)
  t.strictSame(others.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([path]) => path), [], 'a digest each')
  t.strictSame(others.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path), [], 'no other place')
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
  t.strictSame(Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)), [], 'exact versions')
})

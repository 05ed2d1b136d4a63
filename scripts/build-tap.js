/**
 * Builds tap's test class without the plugins that .taprc takes out ("!name"); does nothing when that is done already.
 * tap does it by itself, but too late: it has loaded its plugins by then, so the first run after `npm ci` would still pull
 * every test through the TypeScript plugin's loader and only the second would be like all others.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const manifest = createRequire(import.meta.url).resolve('tap/package.json')
const requireFromTap = createRequire(manifest)
const built = readFileSync(requireFromTap.resolve('@tapjs/test/test-built'), 'utf8')
const excluded = [...readFileSync(join(root, '.taprc'), 'utf8').matchAll(/^ *- *"!(.+)"$/gm)].map(([, plugin]) => plugin)

if (excluded.some((plugin) => built.includes(`require("${plugin}")`))) {
  const runner = join(dirname(manifest), requireFromTap(manifest).bin.tap)
  const { status, error } = spawnSync(process.execPath, [runner, 'build'], { cwd: root, stdio: 'inherit' })
  if (error) throw error
  process.exitCode = status ?? 1
}

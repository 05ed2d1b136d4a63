/**
 * `npm run build`: the sources through tsc into build/, and beside them what tsc does not copy, the migrations (sql/) and the
 * data of the tests. Plain JavaScript, because it runs before anything is compiled.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const out = join(root, 'build')
const info = join(out, 'tsconfig.tsbuildinfo')
const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
const sources = include.flatMap((entry) => list(entry === '*.ts' ? '.' : entry, entry !== '*.ts')).filter((file) => file.endsWith('.ts'))
const copies = [
  ...list('sql').filter((file) => file.endsWith('.sql')),
  ...list('test').filter((file) => ['.json', '.ndjson', '.txt'].includes(extname(file)))
]

// tsc's build info makes a second build quick, but it never looks into the folder: with an output gone it must go as well.
if (sources.some((file) => !existsSync(join(out, outputs(file)[0])))) rmSync(info, { force: true })
compile()
for (const file of copies) cpSync(join(root, file), join(out, file))
removeStale()

/** What is left of a renamed or deleted source must go: a stale test would still run, a stale module would still be found. */
function removeStale () {
  const wanted = new Set([relative(out, info), ...sources.flatMap(outputs), ...copies])
  for (const file of list('.', true, out)) {
    if (!wanted.has(file)) rmSync(join(out, file))
  }
}

function compile () {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const { status, error } = spawnSync(process.execPath, [tsc, '-p', root, '--incremental', '--tsBuildInfoFile', info], { cwd: root, stdio: 'inherit' })
  if (error) throw error
  // An error in a test must not keep the server from being built for a look, but never passes for a build either.
  process.exitCode = status ?? 1
}

function outputs (source) {
  const stem = source.slice(0, -'.ts'.length)
  return [`${stem}.js`, `${stem}.js.map`, `${stem}.d.ts`]
}

/** Paths of the files in a folder, relative to `base`; none when there is no such folder. */
function list (folder, recursive = true, base = root) {
  if (!existsSync(join(base, folder))) return []
  return readdirSync(join(base, folder), { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(base, join(entry.parentPath ?? entry.path, entry.name)))
}

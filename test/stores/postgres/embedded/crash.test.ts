import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { endPostmaster, isRunning, servesCluster, startOf } from '../../../../stores/postgres/embedded/process.ts'
import { keep, kept, killed, makeDataDir, makeFolder, postmasterOf, query, runChild, start, until } from './support.ts'

t.test('kill -9 of the node process: its PostgreSQL is stopped cleanly, the data is kept', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const child = runChild(t, { dataDir })
  const { url = '' } = await child.next('ready')
  await keep(url, 'orphan')
  const orphan = await postmasterOf(dataDir)
  await killed(child)
  t.strictSame(await kept(url), ['orphan'], 'the orphan serves on')
  // As if the pid of the killed process had come back, with another start: ours.
  const lock = join(dataDir, 'klatsch.lock')
  await writeFile(lock, JSON.stringify({ ...JSON.parse(await readFile(lock, 'utf8')) as object, pid: process.pid }))

  const next = await start(t, dataDir)
  t.strictSame(await kept(next.url), ['orphan'])
  t.notOk(isRunning(orphan, startOf(orphan)), 'the orphan has ended')
  t.match(next.logged.find(({ level }) => level === 'warn'), { obj: { pid: orphan, signal: 'SIGINT' } }, 'by a fast shutdown, which is logged')
  t.notMatch(await readFile(join(dataDir, 'postgres.log'), 'utf8'), 'was not properly shut down')
})

t.test('kill -9 of PostgreSQL: it is back at the same address, and its last words are logged', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const embedded = await start(t, dataDir)
  await keep(embedded.url, 'crash')
  const pid = await postmasterOf(dataDir)
  process.kill(pid, 'SIGKILL')
  await until('PostgreSQL is back', () => embedded.logged.some(({ msg }) => msg.endsWith('is back')))
  t.strictSame(await kept(embedded.url), ['crash'])
  t.not(await postmasterOf(dataDir), pid)
  const died = embedded.logged.find(({ msg }) => msg.includes('has died'))
  t.match(died, { level: 'warn', obj: { signal: 'SIGKILL' } })
  t.match(String(died?.obj.lastLines), 'database system is ready to accept connections')
  await embedded.stop()
  t.notOk(existsSync(join(dataDir, 'postgres/postmaster.pid')), 'stop() ends the new one')
})

t.test('kill -9 of both, and the pid in postmaster.pid belongs to a stranger by now', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const child = runChild(t, { dataDir })
  const { url = '' } = await child.next('ready')
  await keep(url, 'both')
  const pid = await postmasterOf(dataDir)
  await killed(child)
  process.kill(pid, 'SIGKILL')
  await until('PostgreSQL has ended', () => !isRunning(pid, startOf(pid)))
  const stranger = spawn('sleep', ['60'])
  t.teardown(() => stranger.kill())
  const file = join(dataDir, 'postgres/postmaster.pid')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(stranger.pid)))

  const next = await start(t, dataDir)
  t.strictSame(await kept(next.url), ['both'], 'crash recovery brings the data back')
  t.equal(stranger.signalCode, null, 'the stranger is left alone')
})

t.test('killed in the middle of initdb: the half-made cluster is removed and made anew', { buffered: true }, async t => {
  const dataDir = await makeFolder(t)
  const child = runChild(t, { dataDir })
  const halfMade = async () => (await readdir(dataDir)).find(name => name.startsWith('postgres.new-') && !name.endsWith('.password'))
  await until('initdb has begun', async () => existsSync(join(dataDir, await halfMade() ?? 'none', 'PG_VERSION')))
  await killed(child)
  t.notOk(existsSync(join(dataDir, 'postgres')), 'it does not pass for a cluster')
  const { url } = await start(t, dataDir)
  await keep(url, 'anew')
  t.strictSame(await kept(url), ['anew'])
  t.strictSame((await readdir(dataDir)).sort(), ['klatsch.lock', 'postgres', 'postgres.log'])
})

t.test('a PostgreSQL that does not react is ended all the same, in bounded time', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const child = runChild(t, { dataDir })
  await child.next('ready')
  const pid = await postmasterOf(dataDir)
  await killed(child)
  process.kill(pid, 'SIGSTOP')
  t.equal(await endPostmaster(pid, { fastMs: 200, quitMs: 200 }), 'SIGKILL')
  await query((await start(t, dataDir)).url, 'SELECT 1')
})

t.test('a PostgreSQL that dies and cannot come back is tried again until it can, or until stop()', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const { url, stop, logged } = await start(t, dataDir)
  const file = join(dataDir, 'postgres/postgresql.conf')
  const { size } = await stat(file)
  const failures = () => logged.filter(({ msg }) => msg.endsWith('does not start again')).length

  await appendFile(file, 'work_mem = plenty\n')
  process.kill(await postmasterOf(dataDir), 'SIGKILL')
  await until('a failed try', () => failures() > 0)
  t.match(logged.find(({ msg }) => msg.endsWith('does not start again')), { obj: { err: { message: /invalid value for parameter "work_mem": "plenty"/ } } })
  await truncate(file, size)
  await until('PostgreSQL is back', () => logged.some(({ msg }) => msg.endsWith('is back')))
  t.strictSame(await query(url, 'SELECT 1 AS one'), [{ one: 1 }])

  await appendFile(file, 'work_mem = plenty\n')
  const before = failures()
  process.kill(await postmasterOf(dataDir), 'SIGKILL')
  await until('another failed try', () => failures() > before)
  await stop()
  const after = logged.length
  await sleep(500)
  t.equal(logged.length, after, 'nothing is tried after stop()')
})

t.test('stop() in the middle of a restart', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const { stop, logged } = await start(t, dataDir)
  process.kill(await postmasterOf(dataDir), 'SIGKILL')
  await until('the death is noticed', () => logged.some(({ msg }) => msg.includes('has died')))
  await stop()
  t.notOk(existsSync(join(dataDir, 'klatsch.lock')))
  const pid = existsSync(join(dataDir, 'postgres/postmaster.pid')) ? await postmasterOf(dataDir) : undefined
  t.notOk(pid !== undefined && servesCluster(pid, join(dataDir, 'postgres')), 'nothing runs')
})

t.test('DATA_DIR removed under a running server: PostgreSQL cannot come back, this process goes on', { buffered: true }, async t => {
  const dataDir = await makeDataDir(t)
  const { stop, logged } = await start(t, dataDir)
  const pid = await postmasterOf(dataDir)
  await rm(dataDir, { recursive: true, maxRetries: 5 })
  // A PostgreSQL without its folder ends by itself, sooner or later.
  await endPostmaster(pid, { fastMs: 0, quitMs: 0 })
  await until('a failed try', () => logged.some(({ msg }) => msg.endsWith('does not start again')))
  t.match(logged.find(({ msg }) => msg.includes('has died')), { obj: { lastLines: [] } })
  await stop()
})

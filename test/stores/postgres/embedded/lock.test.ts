import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { holdFolder } from '../../../../stores/postgres/embedded/lock.ts'
import { undefinedIfMissing } from '../../../../stores/postgres/embedded/process.ts'
import { makeFolder, ours, until } from './support.ts'

const log = { info () {}, warn () {} }

/** The text of a lock whose owner has ended. */
async function makeStale (folder: string): Promise<string> {
  const dead = spawn('true')
  await once(dead, 'exit')
  const lock = await holdFolder(folder, log)
  const text = JSON.stringify({ ...JSON.parse(await readFile(join(folder, 'klatsch.lock'), 'utf8')) as object, pid: dead.pid })
  await lock.release()
  return text
}

t.test('the lock of a dead process: of many who want it, one gets it', { buffered: true }, async t => {
  const folder = await makeFolder(t)
  await writeFile(join(folder, 'klatsch.lock'), await makeStale(folder))
  const at = Date.now() + 1000
  const contender = `
    const { holdFolder } = await import(${JSON.stringify(pathToFileURL(join(ours, 'lock.js')))})
    await new Promise(resolve => setTimeout(resolve, ${at} - Date.now()))
    const got = await holdFolder(${JSON.stringify(folder)}, console).then(() => 'got it', err => err.message)
    console.log(got)
    setTimeout(() => {}, 1500)`
  const answers = await Promise.all(Array.from({ length: 5 }, async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', contender])
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    child.stdout.on('data', chunk => { output += String(chunk) })
    child.stderr.on('data', chunk => { output += String(chunk) })
    await once(child, 'close')
    return output.trim()
  }))
  t.equal(answers.filter(answer => answer === 'got it').length, 1, 'one owner')
  t.equal(answers.filter(answer => answer.includes('is in use by process')).length, 4, answers.join('\n'))
})

t.test('the lock of another container: touched, it holds; untouched for 5 s, it is taken over', { buffered: true }, async t => {
  const [live, busy, left, cut, strange] = [await makeFolder(t), await makeFolder(t), await makeFolder(t), await makeFolder(t), await makeFolder(t)]
  for (const folder of [live, left]) await writeFile(join(folder, 'klatsch.lock'), JSON.stringify({ pid: 1, started: '1', machine: 'another' }))
  await writeFile(join(cut, 'klatsch.lock'), '{"pid":')
  await writeFile(join(busy, 'klatsch.lock'), '{"pid":')
  await writeFile(join(strange, 'klatsch.lock'), '{"pid":"1"}')
  const touch = setInterval(() => {
    for (const folder of [live, busy]) utimes(join(folder, 'klatsch.lock'), new Date(), new Date()).catch(t.threw)
  }, 1000)
  t.teardown(() => clearInterval(touch))
  const [refused, unclear, ...locks] = await Promise.all([
    holdFolder(live, log).then(() => 'taken', (err: Error) => err.message),
    holdFolder(busy, log).then(() => 'taken', (err: Error) => err.message),
    holdFolder(left, log),
    holdFolder(cut, log),
    holdFolder(strange, log)
  ])
  t.match(refused, /in use by process 1 of another container or machine/)
  t.match(unclear, /in use by process unknown/, 'an unreadable lock holds too while somebody touches it')
  t.match(JSON.parse(await readFile(join(left, 'klatsch.lock'), 'utf8')), { pid: process.pid })
  t.match(JSON.parse(await readFile(join(cut, 'klatsch.lock'), 'utf8')), { pid: process.pid }, 'so is one that a power loss has cut short')
  for (const lock of locks) await lock.release()
})

t.test('processes that died while they took a lock over do not block it', { buffered: true }, async t => {
  const folder = await makeFolder(t)
  const stale = await makeStale(folder)
  for (const name of ['klatsch.lock', 'klatsch.lock.takeover', 'klatsch.lock.takeover.takeover']) await writeFile(join(folder, name), stale)
  const lock = await holdFolder(folder, log)
  t.strictSame(await readdir(folder), ['klatsch.lock'], 'and nothing of them is left')
  await lock.release()

  for (let depth = 0; depth < 4; depth++) await writeFile(join(folder, `klatsch.lock${'.takeover'.repeat(depth)}`), stale)
  await t.rejects(holdFolder(folder, log), { message: 'keeps changing hands' }, 'there is an end to it')
})

t.test('a folder that cannot hold a lock, or ceases to', { buffered: true }, async t => {
  const folder = await makeFolder(t)
  await t.rejects(holdFolder(join(folder, 'none'), log), { message: `DATA_DIR ${join(folder, 'none')} cannot be written: ENOENT` })
  const warnings: string[] = []
  const lock = await holdFolder(folder, { ...log, warn: (_, message) => warnings.push(message) })
  await rm(folder, { recursive: true })
  await until('the loss is noticed', () => warnings.length > 0)
  t.match(warnings, [/was the folder removed while in use/])
  await lock.release()
})

t.test('only a missing file counts as missing', async t => {
  t.equal(await readFile('/nonexistent', 'utf8').catch(undefinedIfMissing), undefined)
  await t.rejects(readFile('/', 'utf8').catch(undefinedIfMissing), { code: 'EISDIR' })
})

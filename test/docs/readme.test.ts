import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { loadConfig } from '../../app.ts'
import { Env } from '../../schemas/config.ts'
import type { MessagePage, SendReply } from '../../schemas/messages.ts'
import { listen, SECRET } from '../support/build.ts'
import { compiled, projectRoot } from '../support/paths.ts'
import { findProgram } from '../support/programs.ts'
import { createDatabase, launch } from '../support/servers.ts'
import { blocks, plain, read, section, table } from './markdown.ts'
import { folder, installed, run } from './run.ts'

const README = read('README.md')
const DEFAULT_URL = 'http://localhost:3000'

/** The code blocks of a section, verbatim but for the URL. The text must say the URL exactly once. */
function snippet (title: string, level: number, language: string, url: string): string {
  const found = blocks(section(README, title, level)).filter(block => block.language === language)
  if (found.length !== 1) throw new Error(`"${title}" has ${found.length} blocks of ${language}`)
  const parts = found[0]!.code.split(DEFAULT_URL)
  if (parts.length !== 2) throw new Error(`the block of "${title}" has its URL ${parts.length - 1} times`)
  return parts.join(url.replace('127.0.0.1', 'localhost'))
}

t.test('the two commands are there, and their scripts', async t => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  t.strictSame(blocks(section(README, 'Start')).map(({ code }) => code), ['npm ci && npm start\n', 'npm ci && npm test\n'])
  t.match(scripts, { start: String, test: String })
  for (const text of [README, read('CONTRIBUTING.md'), read('docs/operations.md'), read('docs/decisions.md')]) {
    for (const [, name] of text.matchAll(/npm run ([a-z:]+)/g)) t.ok(name! in scripts, `npm run ${name}`)
  }
})

t.test('the JavaScript snippet talks, misses something, and gets exactly that', async t => {
  const { url } = await listen(t)
  const path = folder(t, { 'socket.io-client': installed('socket.io-client') })
  writeFileSync(join(path, 'chat.mjs'), snippet('From JavaScript', 3, 'js', url))
  const { code, stdout, stderr } = await run(process.execPath, ['chat.mjs'], path)
  t.equal(stderr, '')
  t.strictSame(stdout.trim().split('\n'), [
    'history: 0, recovered: false',
    'Ann: Hello everyone!',
    'history: 1, recovered: true',
    '2 messages, at rev 2'
  ])
  t.equal(code, 0)
})

t.test('the curl session sends once, reads, is told that nothing changed, and deletes', async t => {
  const { url } = await listen(t)
  const path = folder(t, {})
  findProgram('curl', ['curl', 'ca-certificates'])
  writeFileSync(join(path, 'session.sh'), snippet('With curl', 3, 'sh', url))
  const { code, stdout, stderr } = await run('sh', ['-eu', 'session.sh'], path)
  t.equal(stderr, '')
  t.equal(code, 0)

  const [sent, page, unchanged, deleted, after, ...rest] = stdout.trim().split('\n')
  t.strictSame(rest, [])
  const { message, duplicate } = JSON.parse(sent!) as SendReply
  t.match({ message, duplicate }, { message: { content: 'Hello everyone!', seq: 1 }, duplicate: false })
  t.strictSame((JSON.parse(page!) as MessagePage).messages, [message], 'the second send added nothing')
  t.equal(unchanged, '304')
  t.strictSame(JSON.parse(deleted!), { success: true, message: 'Message deleted' })
  t.match(JSON.parse(after!), { total: 1, rev: 2, messages: [{ id: message.id, content: '', deleted: true }] })
})

t.test("the snippet for one's own server serves both, and stops", async t => {
  const example = blocks(section(README, 'Use it in your own server')).find(({ label }) => label === 'server.mjs')
  const path = folder(t, { fastify: installed('fastify') })
  if (compiled) {
    // The package itself, as npm install of a checkout links it.
    symlinkSync(projectRoot, join(path, 'node_modules', 'klatsch'))
  } else {
    // Its exports lead to what was built; here the sources stand in.
    const app = JSON.stringify(pathToFileURL(join(projectRoot, 'app.ts')).href)
    mkdirSync(join(path, 'node_modules', 'klatsch'))
    writeFileSync(join(path, 'node_modules', 'klatsch', 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    writeFileSync(join(path, 'node_modules', 'klatsch', 'index.js'), `export { default, loadConfig } from ${app}`)
  }
  writeFileSync(join(path, 'server.mjs'), example!.code)

  const { PATH } = process.env
  const server = await launch({
    command: process.execPath,
    args: [...compiled ? [] : [`--import=${import.meta.resolve('tsx')}`], 'server.mjs'],
    options: { cwd: path, env: { PATH, HOST: '127.0.0.1', PORT: '0', JWT_SECRET: SECRET, DATABASE_URL: await createDatabase(t) } },
    ready: output => /http:\S+(?=\n)/.exec(output)?.[0],
    timeoutMs: 60_000
  })
  t.teardown(() => server.kill('SIGKILL'))
  const own = await fetch(server.ready)
  t.equal(await own.text(), 'Our own pages')
  const index = await fetch(`${server.ready}/talk`)
  t.match(await index.json(), { name: 'klatsch', links: { guest: '/talk/api/auth/guest', socket: '/socket.io' } })
  const guest = await fetch(`${server.ready}/talk/api/auth/guest`, { method: 'POST' })
  t.equal(guest.status, 201)
  const handshake = await fetch(`${server.ready}/socket.io/?EIO=4&transport=polling`)
  t.equal(handshake.status, 200)
  await handshake.text()
  server.kill('SIGTERM')
  t.strictSame(await server.exited, { code: 0, signal: null }, server.logs())
})

t.test('the table of variables is that of the schema', async t => {
  const rows = table(section(README, 'Variables'))
  const wanted = Object.entries(Env.properties).map(([name, { default: value }]) => [name, value === undefined ? '' : String(value)])
  t.strictSame(rows.map(row => [plain(row.Variable!), plain(row.Default!)]), wanted)
  for (const row of rows) t.ok(row.Meaning!.length > 5, `${row.Variable} has a meaning`)
})

t.test('the variables of the deployment are known ones', async t => {
  const [deploy] = blocks(section(README, 'Deploy'))
  const names = [...deploy!.code.matchAll(/\b([A-Z][A-Z_]+)=(\S+)/g)]
  t.strictSame(names.map(([, name]) => name).filter(name => !(name! in Env.properties)), [])
  const secret = names.find(([, name]) => name === 'JWT_SECRET')![2]!
  t.throws(() => loadConfig({ JWT_SECRET: secret }), /known from an example/, 'nobody runs with a secret that everybody can read')
})

import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import t, { type Test } from 'tap'
import { blocks, read, section } from '../docs/markdown.ts'
import { folder, run } from '../docs/run.ts'
import { launch, until, type Launched } from '../support/processes.ts'
import { findUrl } from '../support/server.ts'
import { npm, tarball } from './tools.ts'

const SECTION = blocks(section(read('README.md'), 'Use it in your own server'))
const DEFAULT_URL = 'http://localhost:3000'

/** A program of the README, by its name. */
const program = (name: string): string => SECTION.find(({ label }) => label === name)!.code

/** What the README says to type after `npm`. */
const install = SECTION.find(({ language }) => language === 'sh')!.code.trim().split(' ').slice(1)

const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: Record<string, string> }

/** A client as a team with TypeScript writes it: typed by what the package exports, and nothing else. */
const CLIENT = `
import { ChatError, connect, type Cafe, type Entry } from 'klatsch/client'
import { clientEvents, entities, Message, type Cafe as Opened, type MessagePage } from 'klatsch/schemas'

const client = connect({ url: 'http://localhost:3000/talk', getToken: async () => 'token', window: 200 })
const { id } = await client.call<Opened>('POST', '/api/cafes', { name: 'Corner Table' })
const cafe: Cafe = client.join(id)
const entries: readonly Entry[] = cafe.messages
const waiting: string[] = entries.filter(({ state }) => state !== undefined).map(({ content }) => content)
try {
  await cafe.send('Hello everyone!').settled()
} catch (error) {
  if (error instanceof ChatError && error.code === 'CHAT_RATE_LIMITED') console.error(error.retryAfterMs)
}
const page = await client.call<MessagePage>('GET', \`/api/chat/messages/\${id}\`)
const first: Message | undefined = page.messages[0]
const seq: number | undefined = first?.seq
const names: string[] = entities.map(({ $id }) => $id ?? '')
console.log(waiting, seq, names, Message.$id, Object.keys(clientEvents), client.status.state === 'online')
client.close()
`

/** Each npm meets one of the ways in which TypeScript finds the types: that of servers, which looks through all of them, and that of pages. */
const ways = [
  { version: 10, settings: { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023'], skipLibCheck: false } },
  { version: 11, settings: { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], skipLibCheck: true } }
]

for (const { version, settings } of ways) {
  t.test(`npm ${version}: a project with nothing but this and Fastify`, { buffered: true, timeout: 240_000 }, async t => {
    const path = folder(t)
    copyFileSync(tarball, join(path, basename(tarball)))
    const types = { typescript: devDependencies.typescript, '@types/node': devDependencies['@types/node'] }
    writeFileSync(join(path, 'package.json'), JSON.stringify({ private: true, type: 'module', devDependencies: types }))
    t.strictSame(install, ['i', 'fastify', `./${basename(tarball)}`], 'no flag')
    await succeeds(t, install)
    await succeeds(t, ['ci', '--dry-run'], 'the lock file is whole')
    await succeeds(t, ['ls', '--all'], 'nothing is missing, nothing does not fit')
    t.notOk(existsSync(join(path, 'node_modules/klatsch/node_modules/fastify')), "there is one Fastify, the project's")

    const [checked] = await Promise.all([compile(), talk()])
    t.equal(checked.stdout + checked.stderr, '', 'the types fit')
    await bundle(t, path)
    await startCommand(t, path)

    async function succeeds (t: Test, args: string[], what = args.join(' ')) {
      const { code, stderr } = await npm(path, args, version)
      t.equal(code, 0, code === 0 ? what : `${what}: ${stderr}`)
    }

    function compile () {
      const compilerOptions = { target: 'es2022', strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true, types: ['node'], ...settings }
      writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['server.ts', 'client.ts', 'wrong.ts'] }))
      writeFileSync(join(path, 'server.ts'), program('server.mjs'))
      writeFileSync(join(path, 'client.ts'), CLIENT)
      // An error that must be there, or the directive is one.
      writeFileSync(join(path, 'wrong.ts'), "import { connect } from 'klatsch/client'\n// @ts-expect-error\nconnect({ url: 5 })\n")
      return run(join(path, 'node_modules/.bin/tsc'), ['-p', '.'], path, {}, 120_000)
    }

    /** The programs of the README, as they are but for the port. */
    async function talk () {
      writeFileSync(join(path, 'server.mjs'), program('server.mjs'))
      const server = await start(t, path, [process.execPath, 'server.mjs'], output => /http:\S+(?=\n)/.exec(output)?.[0])
      t.equal(await (await fetch(server.ready)).text(), 'Our own pages', 'its own pages')
      // It listens after some seconds, also when its database takes longer.
      await until('chat is ready', async () => (await fetch(`${server.ready}/talk/health/ready`)).status === 200, 60_000)

      writeFileSync(join(path, 'client.mjs'), program('client.mjs').replace(DEFAULT_URL, server.ready))
      t.strictSame(await run(process.execPath, ['client.mjs'], path), { code: 0, stdout: 'Ann: Hello everyone!\n', stderr: '' }, 'klatsch/client')
      writeFileSync(join(path, 'schemas.mjs'), "import { entities, Message } from 'klatsch/schemas'\nconsole.log(entities.includes(Message), Message.$id)\n")
      t.strictSame(await run(process.execPath, ['schemas.mjs'], path), { code: 0, stdout: 'true Message\n', stderr: '' }, 'klatsch/schemas')
      server.kill('SIGTERM')
      t.strictSame(await server.exited, { code: 0, signal: null }, 'it stops')
    }
  })
}

/** A page gets the client and what that imports, nothing of the server and nothing of Node, which would not be found. */
async function bundle (t: Test, path: string) {
  const contents = "import { connect } from 'klatsch/client'\nimport * as klatsch from 'klatsch/client'\nconsole.log(connect, klatsch)"
  const { metafile, warnings } = await build({ absWorkingDir: path, stdin: { contents, resolveDir: path }, bundle: true, format: 'esm', platform: 'browser', write: false, metafile: true })
  t.strictSame(warnings, [])
  const packages = Object.keys(metafile.inputs).filter(file => file !== '<stdin>').map(file => /^node_modules\/(klatsch\/build\/client|(?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file)
  t.strictSame([...new Set(packages)].filter(name => !/^(klatsch\/build\/client|socket\.io-\w+|engine\.io-\w+|@socket\.io\/component-emitter)$/.test(name)), [], 'a bundle has the client and socket.io-client')
}

/** `npx klatsch`: the whole server, on the database that is there by now. */
async function startCommand (t: Test, path: string) {
  const server = await start(t, path, [join(path, 'node_modules/.bin/klatsch')], findUrl)
  t.equal((await fetch(`${server.ready}/health/ready`)).status, 200, 'npx klatsch')
  server.kill('SIGTERM')
  t.strictSame(await server.exited, { code: 0, signal: null }, 'it stops')
}

/** A server with a PostgreSQL of its own, in the project's folder. */
async function start (t: Test, path: string, [command, ...args]: string[], ready: (output: string) => string | undefined): Promise<Launched<string>> {
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, HOST: '127.0.0.1', PORT: '0', DRAIN_WAIT: '0' }
  const server = await launch({ command: command!, args, options: { cwd: path, env }, ready, timeoutMs: 60_000 })
  t.teardown(() => server.kill('SIGKILL'))
  return server
}

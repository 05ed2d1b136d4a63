import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import t from 'tap'
import { run } from '../docs/run.ts'
import { projectRoot } from '../support/paths.ts'
import { until } from '../support/processes.ts'
import { makeFolder } from '../support/run.ts'
import { judge, npm, pack, packed, said, tarball } from './tools.ts'

interface Manifest { [key: string]: unknown, files: string[], dependencies: Record<string, string>, peerDependencies: Record<string, string>, scripts?: Record<string, string> }

const read = (...path: string[]) => readFileSync(join(...path), 'utf8')
const manifest = (...path: string[]) => JSON.parse(read(...path, 'package.json')) as Manifest

/** The files below a folder, as paths from it. */
const list = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => statSync(join(folder, file)).isFile()).toSorted()

/** Of the tarball: what grows beyond that was not meant to be in it. */
const MOST_BYTES = 700_000

/** These run beside each other and beside the consumers. */
const besides = { buffered: true, timeout: 120_000 }

const unpacked = await makeFolder('unpacked')
const { code, stderr } = await run('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1'], packed)
if (code !== 0) throw new Error(stderr)
const files = list(unpacked)

t.test('it holds what is expected, all of it, and nothing else', async t => {
  t.comment(said)
  const patterns = JSON.parse(read(projectRoot, 'test/package/contents.json')) as string[]
  const tests = patterns.map(pattern => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`))
  t.strictSame(files.filter(file => !tests.some(test => test.test(file))), [], 'nothing else')
  t.strictSame(patterns.filter((_, index) => !files.some(file => tests[index]!.test(file))), [], 'of each kind something')
  const built = list(join(projectRoot, 'build')).filter(file => /\.(js|js\.map|d\.ts|sql)$/.test(file) && !/^(bench|scripts|test)\//.test(file))
  t.strictSame(files.filter(file => file.startsWith('build/')), built.map(file => `build/${file}`), 'all that was built and runs')
  t.ok(statSync(tarball).size < MOST_BYTES, `less than ${MOST_BYTES} bytes`)
})

t.test('nothing in it knows where it was made, and sources are in the maps', async t => {
  const places = [projectRoot, packed].concat(homedir().split('/').length > 2 ? homedir() : [])
  const texts = new Map(files.map(file => [file, read(unpacked, file)]))
  for (const place of places) t.strictSame(files.filter(file => texts.get(file)!.includes(place)), [], place)

  const maps = files.filter(file => /^build\/.*\.map$/.test(file))
  const wrong = maps.filter(file => {
    const { sources: [source], sourcesContent: [content], sourceRoot } = JSON.parse(texts.get(file)!) as { sources: [string], sourcesContent: [string], sourceRoot: string }
    return sourceRoot !== '' || isAbsolute(source) || content !== read(resolve(projectRoot, dirname(file), source))
  })
  t.strictSame(wrong, [])
  t.ok(maps.length > 100)
})

t.test('its manifest is for others', async t => {
  const [ours, theirs] = [manifest(projectRoot), manifest(unpacked)]
  const { scripts, overrides, allowScripts, devDependencies, dependencies, ...rest } = ours
  const { fastify, tsx, ...others } = dependencies
  t.strictSame(theirs, { ...rest, dependencies: others, bundleDependencies: ['fastify-socket.io'], peerDependencies: { fastify: `^${fastify}` } })
  t.notOk('private' in theirs)

  const bundled = manifest(unpacked, 'node_modules/fastify-socket.io')
  t.match(bundled, { name: 'fastify-socket.io', version: dependencies['fastify-socket.io'], license: undefined })
  t.strictSame([bundled.scripts, bundled.devDependencies], [undefined, undefined])
  t.strictSame(bundled.peerDependencies, { 'socket.io': '>=4' })
  t.strictSame(Object.keys(bundled.dependencies), ['fastify-plugin'], 'which lies beside it')
})

t.test('packing changes nothing here, also when it is killed, and gives the same each time', besides, async t => {
  const before = look()
  const again = await makeFolder('again')
  t.equal((await pack(again)).code, 0)
  t.ok(readFileSync(tarball).equals(readFileSync(join(again, readdirSync(again)[0]!))), 'the same bytes')
  t.strictSame(look(), before)

  const [destination, TMPDIR] = [await makeFolder('killed'), await makeFolder('staging')]
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ['--import=tsx', 'scripts/pack.ts', destination], { cwd: projectRoot, env: { PATH, HOME, TMPDIR }, stdio: 'ignore' })
  await until('it copies', () => readdirSync(TMPDIR, { recursive: true, encoding: 'utf8' }).some(file => file.includes('node_modules')), 30_000)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.strictSame(readdirSync(destination), [])
  t.strictSame(look(), before)
})

/** What packing might touch. */
function look () {
  const bundled = join(projectRoot, 'node_modules/fastify-socket.io')
  const texts = [...['package.json', 'package-lock.json'].map(file => join(projectRoot, file)), ...list(bundled).map(file => join(bundled, file))]
  return [readdirSync(projectRoot), list(join(projectRoot, 'build')), texts.map(file => read(file))]
}

t.test('npm pack and npm publish from here are refused: they would pack a fastify-socket.io that nobody can install', besides, async t => {
  for (const command of ['pack', 'publish']) {
    const { code, stderr } = await npm(projectRoot, [command, '--dry-run'])
    t.not(code, 0, command)
    t.match(stderr, 'npm run package', command)
  }
})

t.test('publint has nothing to say, not even a suggestion', besides, async t => {
  const { code, stdout, stderr } = await judge('publint', 'run', tarball, '--strict')
  t.equal(code, 0, stderr)
  t.match(stdout, 'All good!')

  rmSync(join(unpacked, 'build/client/index.d.ts'))
  const found = await judge('publint', 'run', unpacked, '--pack=false', '--strict')
  t.not(found.code, 0, 'it would find something')
  t.match(found.stdout + found.stderr, 'build/client/index.d.ts')
})

t.test('the types are right for everybody who can import ESM', besides, async t => {
  const { code, stdout } = await judge('attw', tarball, '--profile=esm-only', '--no-emoji')
  t.equal(code, 0, code === 0 ? 'all are' : stdout)
  for (const name of ['', '/client', '/schemas']) t.match(stdout, `"klatsch${name}"`)
})

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { listen } from '../support/build.ts'
import { compiled, projectRoot } from '../support/paths.ts'
import { blocks, plain, read, section, table } from './markdown.ts'
import { run } from './run.ts'

t.setTimeout(100_000)

const CLIENT = read('docs/client.md')
const DEFAULT_URL = 'http://localhost:3000'

t.test('client.md: each example prints what stands below it', async t => {
  const { url } = await listen(t)
  const path = mkdtempSync(join(tmpdir(), 'klatsch-test-client-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  mkdirSync(join(path, 'node_modules'))
  const installed = join(path, 'node_modules', 'klatsch')
  if (compiled) {
    // The package itself, as npm install of a checkout links it.
    symlinkSync(projectRoot, installed)
  } else {
    // Its exports lead to what was built; here the sources stand in.
    mkdirSync(installed)
    writeFileSync(join(installed, 'package.json'), '{ "type": "module", "exports": { "./client": "./client.js" } }')
    writeFileSync(join(installed, 'client.js'), `export * from ${JSON.stringify(pathToFileURL(join(projectRoot, 'client', 'index.ts')).href)}`)
  }
  const found = blocks(CLIENT)
  t.strictSame(found.map(({ language }) => language), found.map((_, index) => index % 2 === 0 ? 'js' : 'text'), 'each has its output')
  for (let index = 0; index < found.length; index += 2) {
    const file = `example-${index / 2 + 1}.mjs`
    writeFileSync(join(path, file), found[index]!.code.replace(DEFAULT_URL, url))
    const args = compiled ? [] : [`--import=${import.meta.resolve('tsx')}`]
    const { code, stdout, stderr } = await run(process.execPath, [...args, file], path)
    t.equal(stderr, '', file)
    t.equal(stdout, found[index + 1]!.code, file)
    t.equal(code, 0, file)
  }
  t.ok(found.length >= 12)
})

t.test('client.md: the tables name every state and every code', async t => {
  const statesOf = (type: string, source: string) => [...new RegExp(`${type} =([^\\n]+)`).exec(source)![1]!.matchAll(/'(\w+)'/g)].map(([, name]) => name!)
  const [statuses, cafes] = section(CLIENT, 'States').split('`cafe.state`') as [string, string]
  const named = (text: string) => table(text).map(row => plain(row['`state`']!)).toSorted()
  t.strictSame(named(statuses), [...statesOf('ConnectionState', read('client/connection.ts')), 'recovering'].toSorted())
  const cafeStates = /readonly state: ('joining'.+)/.exec(read('client/types.ts'))![1]!
  t.strictSame(named(cafes), [...cafeStates.matchAll(/'(\w+)'/g)].map(([, name]) => name!).toSorted())
  const codes = [...read('client/errors.ts').matchAll(/^ {2}\| '(CLIENT_\w+)'/gm)].map(([, code]) => code!)
  t.strictSame(table(section(CLIENT, 'Errors')).map(row => plain(row.code!)), codes)
})

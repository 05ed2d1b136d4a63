import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sizes } from '../chaos/sizes.ts'
import { projectRoot } from '../support/paths.ts'
import { plain, prose, read, section, table } from './markdown.ts'

const GUARANTEES = read('docs/guarantees.md')
const PROMISES = ['Sending', 'Hearing', 'Coming back', 'Operating']
/** They test the oracle, not the server. */
const OF_THE_ORACLE = ['checker', 'oracle']

const files = readdirSync(join(projectRoot, 'test/chaos')).filter(file => file.endsWith('.test.ts')).map(file => `test/chaos/${file}`)
const named = (text: string) => [...text.matchAll(/`(test\/[\w./-]+\.test\.ts)`/g)].map(([, file]) => file!)

t.test('guarantees.md: each promise names the test that shows it', async t => {
  for (const title of PROMISES) {
    for (const { promise, 'shown by': shown } of table(section(GUARANTEES, title))) {
      t.ok(named(shown!).length > 0 || /^(every row of `npm run chaos`|the same)/.test(shown!), promise!)
    }
  }
})

t.test('guarantees.md: each test that it names is there, and each fault test is named', async t => {
  t.strictSame(named(GUARANTEES).filter(file => !files.includes(file)), [])
  const shown = named(PROMISES.map(title => section(GUARANTEES, title)).join('\n'))
  const ofFaults = files.filter(file => !OF_THE_ORACLE.some(name => file === `test/chaos/${name}.test.ts`))
  t.strictSame(ofFaults.filter(file => !shown.includes(file)), [])
})

t.test('guarantees.md: the sizes and commands are those of the project', async t => {
  const code = read('test/chaos/sizes.ts')
  for (const [, variable] of prose(GUARANTEES).matchAll(/`(CHAOS_[A-Z]+)`/g)) t.match(code, `'${variable}'`)
  const rows = table(section(GUARANTEES, 'How it is shown'))
  const row = rows.find(one => plain(one['']!) === 'clients, cafes')!
  t.ok(row['`npm test`']!.startsWith(`${sizes.small.clients}, ${sizes.small.cafes}`))
  t.ok(row['`npm run chaos`']!.startsWith(`${sizes.full.clients}, ${sizes.full.cafes}`))
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const [, name] of GUARANTEES.matchAll(/npm run ([a-z:]+)/g)) t.ok(name! in scripts, `npm run ${name}`)
})

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { clientEvents, serverEvents } from '../../schemas/events.ts'
import { run } from '../docs/run.ts'
import { projectRoot } from '../support/paths.ts'
import { installed, load } from './tools.ts'

const text = (name: string) => readFileSync(join(projectRoot, 'docs', name), 'utf8')

interface Verdict { totals: { errors: number, warnings: number, ignored: number }, problems: Array<{ ruleId: string }> }

/** What redocly says of a document, by the committed rules. */
async function lint (file: string): Promise<{ code: number | null, verdict: Verdict }> {
  const cli = installed('@redocly/cli', 'bin', 'cli.js')
  const { code, stdout, stderr } = await run(process.execPath, [cli, 'lint', file, '--config=redocly.yaml', '--format=json'], projectRoot, { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' })
  const start = stdout.indexOf('{')
  if (start < 0) throw new Error(`redocly: ${stdout}${stderr}`)
  return { code, verdict: JSON.parse(stdout.slice(start)) as Verdict }
}

t.test('redocly finds nothing in either document, with every rule on', async t => {
  for (const file of ['docs/openapi.json', 'docs/asyncapi.json']) {
    const { code, verdict } = await lint(file)
    t.strictSame(verdict.problems, [], file)
    t.match(verdict.totals, { errors: 0, warnings: 0, ignored: 0 })
    t.equal(code, 0)
  }
  t.match(readFileSync(join(projectRoot, 'redocly.yaml'), 'utf8'), /^extends:\n {2}- recommended-strict\n$/m)
})

t.test('it would find something', async t => {
  const folder = t.testdir()
  mkdirSync(folder, { recursive: true })
  const document = JSON.parse(text('openapi.json')) as { paths: Record<string, Record<string, { operationId?: string }>> }
  delete document.paths['/api/cafes']!.get!.operationId
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document))
  const { code, verdict } = await lint(join(folder, 'openapi.json'))
  t.strictSame(verdict.problems.map(({ ruleId }) => ruleId), ['operation-operationId'])
  t.not(code, 0)
})

interface Diagnostic { code: string, message: string, severity: number, path: Array<string | number> }
interface AsyncApi { Parser: new () => { parse: (text: string) => Promise<{ document?: { operations: () => { all: () => unknown[] } }, diagnostics: Diagnostic[] }> } }

t.test('the parser of AsyncAPI reads its document without a word', async t => {
  const { Parser } = load<AsyncApi>('@asyncapi/parser')
  const { document, diagnostics } = await new Parser().parse(text('asyncapi.json'))
  t.strictSame(diagnostics.map(({ code, message, path }) => `${code} ${path.join('.')}: ${message}`), [])
  t.equal(document?.operations().all().length, Object.keys(clientEvents).length + Object.keys(serverEvents).length)

  const broken = await new Parser().parse(text('asyncapi.json').replace('"#/channels/chat"', '"#/channels/other"'))
  t.not(broken.diagnostics.length, 0, 'it would find something')
})

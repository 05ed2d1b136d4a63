import { spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { projectRoot } from './support/paths.ts'

interface Report {
  summary: { violations: Array<{ from: string, to: string, rule: { name: string } }> }
}

const { forbidden } = createRequire(import.meta.url)(join(projectRoot, '.dependency-cruiser.cjs')) as { forbidden: Array<{ name: string, comment: string }> }

/** One sin per rule: the file that commits it, its text, and what else it takes. */
const sins: Record<string, { file: string, code: string, others?: Record<string, string> }> = {
  'no-circular': { file: 'services/sin-a.ts', code: "export { b } from './sin-b.ts'", others: { 'services/sin-b.ts': "export type { a } from './sin-a.ts'\nexport const b = 1" } },
  'schemas-stand-alone': { file: 'schemas/sin.ts', code: "import type {} from '../services/ports.ts'\nexport {}" },
  'documents-know-schemas-only': { file: 'documents/sin.ts', code: "export { readFileSync } from 'node:fs'" },
  'services-know-schemas-only': { file: 'services/sin-c.ts', code: "import type {} from '../plugins/sin-offer.ts'\nexport {}" },
  'services-do-no-io': { file: 'services/sin-d.ts', code: "export { createConnection } from 'node:net'" },
  'services-without-packages': { file: 'services/sin-e.ts', code: "export type { FastifyInstance } from 'fastify'" },
  'services-errors-registry': { file: 'services/errors.ts', code: "export { Ajv } from 'ajv'" },
  'services-words-list': { file: 'services/words.ts', code: "export { Ajv } from 'ajv'" },
  'routes-without-stores': { file: 'routes/rest/sin-a.ts', code: "export type { Pool } from 'pg'" },
  'routes-know-plugins-by-type': { file: 'routes/rest/sin-b.ts', code: "export { offer } from '../../plugins/sin-offer.ts'" },
  'stores-keep-promises-only': { file: 'stores/postgres/sin-a.ts', code: "import type {} from '../../plugins/sin-offer.ts'\nexport {}" },
  'stores-without-fastify': { file: 'stores/postgres/sin-b.ts', code: "export type { FastifyInstance } from 'fastify'" },
  'only-plugins-wire-stores': { file: 'sin-a.ts', code: "export type {} from './stores/postgres/sin-a.ts'" },
  'one-switch-for-drivers': { file: 'plugins/sin-b.ts', code: "export { driver } from '../stores/memory/sin-driver.ts'" },
  'only-plugins-register-packages': { file: 'routes/rest/sin-c.ts', code: "export { default } from '@fastify/jwt'" },
  'client-stands-alone': { file: 'client/sin-a.ts', code: "export type { FastifyInstance } from 'fastify'" },
  'client-knows-schemas-by-type': { file: 'client/sin-b.ts', code: "export { Message } from '../schemas/messages.ts'" },
  'server-without-client': { file: 'services/sin-f.ts', code: "export { connect } from '../client/index.ts'" },
  'nobody-imports-test': { file: 'plugins/sin-c.ts', code: "export { helper } from '../test/sin-helper.ts'" },
  'no-orphans': { file: 'services/sin-forgotten.ts', code: 'export const forgotten = 1' },
  'not-to-dev-dep': { file: 'plugins/sin-d.ts', code: "export { parseHTML } from 'linkedom'" },
  'not-to-undeclared': { file: 'plugins/sin-e.ts', code: "export { default } from 'engine.io'" },
  'not-to-unresolvable': { file: 'plugins/sin-f.ts', code: "export { nothing } from './sin-nowhere.ts'" }
}

/** What the sinners lean on; no sin in itself. */
const innocent = {
  'plugins/sin-offer.ts': "export { type Static } from '@sinclair/typebox'\nexport const offer = 1",
  'stores/memory/sin-driver.ts': "import type {} from '../../services/ports.ts'\nexport const driver = 1",
  'test/sin-helper.ts': "import type {} from '../services/ports.ts'\nexport const helper = 1"
}

t.test('every rule has its sin here and says why it is there', async (t) => {
  t.same(Object.keys(sins).sort(), forbidden.map(({ name }) => name).sort())
  for (const { name, comment } of forbidden) t.ok(comment?.length > 40, name)
})

t.test('every arrow catches its sin, and nothing else is one', { timeout: 30_000 }, async (t) => {
  const copy = copySources(t.testdir())
  write(copy, innocent)
  for (const { file, code, others = {} } of Object.values(sins)) write(copy, { [file]: code, ...others })

  const { summary } = await cruise(copy)

  for (const [name, { file }] of Object.entries(sins)) {
    const caught = summary.violations.filter((violation) => violation.rule.name === name).map((violation) => violation.from)
    t.ok(caught.includes(file), `${name} catches ${file}`)
  }
  const sinners = new Set(Object.values(sins).flatMap(({ file, others = {} }) => [file, ...Object.keys(others)]))
  t.same(summary.violations.filter(({ from }) => !sinners.has(from)), [], 'the sources themselves are clean')
})

function copySources (to: string): string {
  for (const entry of ['app.ts', 'server.ts', 'documents', 'plugins', 'routes', 'services', 'schemas', 'stores', 'client', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs']) {
    if (existsSync(join(projectRoot, entry))) cpSync(join(projectRoot, entry), join(to, entry), { recursive: true })
  }
  return to
}

function write (root: string, files: Record<string, string>) {
  for (const [file, code] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    // Added to what is there, whose other imports must stay: without them innocent files would be orphans.
    appendFileSync(join(root, file), `${code}\n`)
  }
}

/** The command of `npm run arrows`, over the copy. The copy lies below the project, so its node_modules serve it too. */
async function cruise (root: string): Promise<Report> {
  const entries = ['sin-a.ts', 'documents', 'plugins', 'routes', 'services', 'schemas', 'stores', 'client', 'test'].concat(['app.ts', 'server.ts'].filter((file) => existsSync(join(root, file))))
  const command = join(projectRoot, 'node_modules', '.bin', 'depcruise')
  const child = spawn(process.execPath, [command, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...entries], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(await text(child.stdout)) as Report
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../docs/run.ts'
import { listen } from '../support/build.ts'
import { projectRoot } from '../support/paths.ts'
import { installed } from './tools.ts'
import { compile, project } from './typescript.ts'

/** What a stranger writes who has read nothing but the types. */
const CLIENT = `
import createClient from 'openapi-fetch'
import type { components, paths } from './rest.js'

type Message = components['schemas']['Message']

const baseUrl = process.argv[2]!
const open = createClient<paths>({ baseUrl })

const guest = await open.POST('/api/auth/guest', {})
if (guest.error) throw new Error(guest.error.code)
const named = await open.POST('/api/auth/guest', { body: { username: 'Ann' } })
if (named.error) throw new Error(named.error.message)

const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${named.data.token}\` } })
const opened = await client.POST('/api/cafes', { body: { name: 'Corner Table' } })
if (opened.error) throw new Error(opened.error.code)
const { id } = opened.data

const sent = await client.POST('/api/chat/messages/{id}', { params: { path: { id } }, body: { content: 'Hello everyone!' } })
if (sent.error) throw new Error(sent.error.code)
const message: Message = sent.data.message
await client.PATCH('/api/chat/messages/{id}', { params: { path: { id: message.id } }, body: { content: 'Hello everybody!' } })

const page = await client.GET('/api/chat/messages/{id}', { params: { path: { id }, query: { limit: 1 } } })
const topics = await client.GET('/api/chat/topics/{cafeId}', { params: { path: { cafeId: id } } })
const people = await client.GET('/api/chat/presence/{cafeId}', { params: { path: { cafeId: id } } })
const list = await client.GET('/api/cafes')
if (page.error || topics.error || people.error || list.error) throw new Error('not read')
const refused = await client.POST('/api/cafes', { body: { name: '' } })
const code: components['schemas']['ErrorCode'] | undefined = refused.error?.code
const rules: string[] | undefined = refused.error?.details?.map(({ rule }) => rule)

console.log(JSON.stringify({
  role: guest.data.user.role,
  contents: page.data.messages.map(({ content, editedAt }) => [content, typeof editedAt]),
  topics: topics.data.topics,
  users: people.data.users.length,
  cafes: list.data.cafes.map(({ name }) => name),
  code,
  rules
}))
`

t.test('openapi-typescript: the types have the names, and nothing that nobody named', async t => {
  const folder = project(t, { 'openapi-fetch': installed('openapi-fetch') })
  const cli = installed('openapi-typescript', 'bin', 'cli.js')
  const { code, stderr } = await run(process.execPath, [cli, join(projectRoot, 'docs/openapi.json'), '--output', join(folder, 'rest.d.ts')], folder)
  t.equal(code, 0, stderr)
  const types = readFileSync(join(folder, 'rest.d.ts'), 'utf8')
  const schemas = /^ {4}schemas: \{\n([\s\S]*?)^ {4}\};/m.exec(types)![1]!
  const names = JSON.parse(readFileSync(join(projectRoot, 'test/generators/names.json'), 'utf8')) as { openapi: string[] }
  t.strictSame([...schemas.matchAll(/^ {8}(\w+):/gm)].map(([, name]) => name), names.openapi)

  const { url } = await listen(t)
  writeFileSync(join(folder, 'client.ts'), CLIENT)
  t.equal(await compile(folder), '', 'the client compiles')
  const talked = await run(process.execPath, ['client.js', url], folder)
  t.equal(talked.stderr, '')
  t.strictSame(JSON.parse(talked.stdout), {
    role: 'member',
    contents: [['Hello everybody!', 'string']],
    topics: [],
    users: 0,
    cafes: ['Corner Table'],
    code: 'CHAT_VALIDATION',
    rules: ['minLength', 'pattern']
  })

  writeFileSync(join(folder, 'wrong.ts'), CLIENT.replace("{ content: 'Hello everyone!' }", "{ text: 'Hello' }"))
  t.match(await compile(folder), /^wrong\.ts.*error TS/m, 'a client that is wrong does not')
})

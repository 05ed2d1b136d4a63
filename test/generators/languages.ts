import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { io } from 'socket.io-client'
import { run } from '../docs/run.ts'
import { listen } from '../support/build.ts'
import { projectRoot } from '../support/paths.ts'
import { findPython } from '../support/programs.ts'
import { load } from './tools.ts'

interface QuickType {
  quicktype: (options: object) => Promise<{ lines: string[], annotations: unknown[] }>
  InputData: new () => { addInput: (input: unknown) => void }
  JSONSchemaInput: new (store: unknown) => { addSource: (source: { name: string, schema: string, uris?: string[] }) => Promise<void> }
}

/** The names that must come out, the same in all of them: a change here is a change for everybody who generates. */
const { languages } = JSON.parse(readFileSync(join(projectRoot, 'test/generators/names.json'), 'utf8')) as { languages: string[] }

/** How a language declares a type. */
const declarations: Record<string, RegExp> = {
  python: /^class (\w+)/gm,
  go: /^type (\w+) /gm,
  swift: /^(?:public )?(?:struct|class|enum|indirect enum) (\w+)/gm,
  kotlin: /^(?:data |enum |sealed )?class (\w+)/gm
}

const options: Record<string, Record<string, string | boolean>> = {
  python: {},
  go: { package: 'klatsch' },
  swift: {},
  kotlin: { framework: 'kotlinx', package: 'klatsch' }
}

async function generate (lang: string): Promise<{ code: string, annotations: unknown[] }> {
  const { quicktype, InputData, JSONSchemaInput } = load<QuickType>('quicktype-core')
  const input = new JSONSchemaInput(undefined)
  await input.addSource({ name: 'Contract', schema: readFileSync(join(projectRoot, 'docs/schemas/Contract.json'), 'utf8') })
  const data = new InputData()
  data.addInput(input)
  const { lines, annotations } = await quicktype({ inputData: data, lang, rendererOptions: options[lang] })
  return { code: lines.join('\n'), annotations }
}

for (const [lang, pattern] of Object.entries(declarations)) {
  t.test(`quicktype: ${lang}`, async t => {
    const { code, annotations } = await generate(lang)
    t.strictSame(annotations, [], 'without a warning')
    t.strictSame([...code.matchAll(pattern)].map(([, name]) => name!).toSorted(), languages)
  })
}

const READ = `
import json, re, sys
import dateutil.parser
import klatsch

def normal(value):
    if isinstance(value, dict): return {name: normal(one) for name, one in value.items()}
    if isinstance(value, list): return [normal(one) for one in value]
    if isinstance(value, str) and re.match(r"\\d{4}-\\d\\d-\\d\\dT", value): return dateutil.parser.parse(value)
    return value

for name, payload in json.load(open("said.json")):
    read = getattr(klatsch, name).from_dict(payload)
    print(name, normal(read.to_dict()) == normal(payload))

message = klatsch.MessagePage.from_dict(dict(json.load(open("said.json")))["MessagePage"]).messages[0]
print(message.content, message.seq, message.created_at.year > 2000, message.edited_at)
`

t.test('Python reads what a running server says', async t => {
  const python = findPython(['dateutil'])
  const app = await listen(t)
  const post = async (url: string, payload: object, headers = {}) => (await app.inject({ method: 'POST', url, payload, headers })).json<Record<string, unknown>>()
  const session = await post('/api/auth/guest', { username: 'Ann' })
  const headers = { authorization: `Bearer ${String(session.token)}` }
  const cafe = await post('/api/cafes', { name: 'Corner Table' }, headers)
  const said: Array<[string, unknown]> = [['Session', session], ['Cafe', cafe]]

  const socket = io(app.url, { auth: { token: session.token }, transports: ['websocket'] })
  t.teardown(() => { socket.disconnect() })
  const kinds = { connected: 'Connected', 'message:history': 'MessageHistory', 'users:update': 'UsersUpdate', 'message:new': 'MessageEvent' }
  const heard = Object.entries(kinds).map(([event, kind]) => new Promise<[string, unknown]>(resolve => { socket.once(event, payload => { resolve([kind, payload]) }) }))
  said.push(['JoinCafeAnswer', await socket.emitWithAck('join:cafe', { cafeId: cafe.id })])
  said.push(['MessageSendAnswer', await socket.emitWithAck('message:send', { cafeId: cafe.id, content: 'Hello everyone!' })])
  said.push(['MessageSendAnswer', await socket.emitWithAck('message:send', { cafeId: cafe.id, content: '' })])
  said.push(...await Promise.all(heard))
  const pages = { MessagePage: `/api/chat/messages/${String(cafe.id)}`, CafePresence: `/api/chat/presence/${String(cafe.id)}`, CafeList: '/api/cafes', Readiness: '/health/ready', Index: '/' }
  for (const [kind, url] of Object.entries(pages)) said.push([kind, (await app.inject({ url, headers })).json()])

  const folder = t.testdir()
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'klatsch.py'), (await generate('python')).code)
  writeFileSync(join(folder, 'said.json'), JSON.stringify(said))
  writeFileSync(join(folder, 'read.py'), READ)
  const { stdout, stderr } = await run(python, ['read.py'], folder)
  t.equal(stderr, '')
  t.strictSame(stdout.trim().split('\n'), [...said.map(([kind]) => `${kind} True`), 'Hello everyone! 1 True None'])
})

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../docs/run.ts'
import { listen } from '../support/build.ts'
import { projectRoot } from '../support/paths.ts'
import { installed } from './tools.ts'
import { compile, project } from './typescript.ts'

/** A client that is typed by the generated tables of events, and nothing else of ours. */
const CLIENT = `
import { io, type Socket } from 'socket.io-client'
import type { ClientEvents, Message, ServerEvents, UsersUpdate } from './events.js'

type Listen = { [E in keyof ServerEvents]: (payload: ServerEvents[E]) => void }
type Emit = { [E in keyof ClientEvents]: (payload: ClientEvents[E]['payload'], ack: (answer: ClientEvents[E]['ack']) => void) => void }

const [, , url, token, cafeId] = process.argv as [string, string, string, string, string]
const socket: Socket<Listen, Emit> = io(url, { auth: { token }, transports: ['websocket'] })

/** Each kind is told from the other by its action. */
const tell = (update: UsersUpdate) => update.action === 'sync' ? update.joined.length : update.user.username

socket.on('users:update', update => console.log('users', tell(update)))
const heard = new Promise<Message>(resolve => socket.on('message:new', ({ message }) => resolve(message)))
const joined = await socket.emitWithAck('join:cafe', { cafeId })
if (!joined.ok) throw new Error(joined.error.code)
const sent = await socket.emitWithAck('message:send', { cafeId, content: 'Hello everyone!' })
if (!sent.ok) throw new Error(sent.error.code)
const message = await heard
console.log(message.content, message.id === sent.data.message.id, sent.data.duplicate)
const refused = await socket.emitWithAck('message:send', { cafeId, content: '' })
console.log(refused.ok ? 'sent' : refused.error.code)
socket.disconnect()
`

t.test('json-schema-to-typescript: the tables of events type a client that talks', async t => {
  const folder = project(t, { 'socket.io-client': join(projectRoot, 'node_modules/socket.io-client') })
  const cli = installed('json-schema-to-typescript', 'dist', 'src', 'cli.js')
  const { code, stderr } = await run(process.execPath, [cli, '--input', join(projectRoot, 'docs/schemas/Contract.json'), '--output', join(folder, 'events.ts')], folder)
  t.equal(code, 0, stderr)
  t.equal(stderr, '')
  const types = readFileSync(join(folder, 'events.ts'), 'utf8')
  const names = JSON.parse(readFileSync(join(projectRoot, 'test/generators/names.json'), 'utf8')) as { events: string[] }
  t.strictSame([...types.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name!).toSorted(), names.events)

  const app = await listen(t)
  const { token } = (await app.inject({ method: 'POST', url: '/api/auth/guest', payload: { username: 'Ann' } })).json<{ token: string }>()
  const { id } = (await app.inject({ method: 'POST', url: '/api/cafes', headers: { authorization: `Bearer ${token}` }, payload: { name: 'Corner Table' } })).json<{ id: string }>()
  writeFileSync(join(folder, 'client.ts'), CLIENT)
  t.equal(await compile(folder), '', 'the client compiles')
  const talked = await run(process.execPath, ['client.js', app.url, token, id], folder)
  t.equal(talked.stderr, '')
  t.strictSame(talked.stdout.trim().split('\n'), ['users Ann', 'Hello everyone! true false', 'CHAT_CONTENT_INVALID'])
})

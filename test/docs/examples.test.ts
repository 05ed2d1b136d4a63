import { copyFileSync, createReadStream, existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Message, MessagePage } from '../../schemas/messages.ts'
import { listen } from '../support/build.ts'
import { openBrowser } from '../support/browser.ts'
import { findProgram, findPython } from '../support/programs.ts'
import { launch } from '../support/servers.ts'
import { ask, call, connect, guest, openCafe } from '../support/sockets.ts'
import { blocks, read, section } from './markdown.ts'
import { folder, installed, run } from './run.ts'

const DEFAULT_URL = 'http://localhost:3000'

/** The program of a section as it stands there, but for the URL, which it must name once. */
function program (title: string, url: string): string {
  const [block, ...others] = blocks(section(read('docs/examples.md'), title))
  if (block === undefined || others.length > 0) throw new Error(`"${title}" has not one program`)
  const parts = block.code.split(DEFAULT_URL)
  if (parts.length !== 2) throw new Error(`the program of "${title}" has its URL ${parts.length - 1} times`)
  return parts.join(url)
}

/** Serves the files of a folder under a free port. @returns its origin */
async function serve (t: Test, path: string): Promise<string> {
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript' }
  const server = createServer((request, response) => {
    const file = join(path, new URL(request.url!, 'http://localhost').pathname)
    if (!existsSync(file)) return response.writeHead(404).end()
    response.setHeader('content-type', types[file.split('.').at(-1)!]!)
    createReadStream(file).pipe(response)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A cafe in which Ann is, by a stock client. */
async function openCorner (t: Test, app: { url: string }) {
  const ann = await guest(app, 'Ann')
  const { id: cafeId } = await openCafe(app, ann)
  const socket = await connect(t, app, ann.token)
  await ask(socket, 'join:cafe', { cafeId })
  const messages = async (): Promise<Message[]> => (await call<MessagePage>(app, 'GET', `/api/chat/messages/${cafeId}`, { token: ann.token })).messages
  return { cafeId, socket, token: ann.token, messages, say: (content: string) => ask(socket, 'message:send', { cafeId, content }) }
}

t.test('the page: it shows what is said as text, sends, and has what it missed after a break', async t => {
  const path = folder(t)
  const origin = await serve(t, path)
  const app = await listen(t, { CORS_ORIGIN: origin })
  const { say, messages, socket } = await openCorner(t, app)
  copyFileSync(join(installed('socket.io-client'), 'dist', 'socket.io.esm.min.js'), join(path, 'socket.io.esm.min.js'))
  writeFileSync(join(path, 'cafe.html'), program('In a browser', app.url))
  await say('Hello <b>there</b>')

  const page = await (await openBrowser(t)).newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  await page.goto(`${origin}/cafe.html`)
  const lines = page.locator('#room li')
  await lines.first().waitFor()
  t.same(await lines.allTextContents(), ['Ann: Hello <b>there</b>'])

  await page.getByLabel('Message').fill('Good morning!')
  await page.getByRole('button', { name: 'Send' }).click()
  await lines.nth(1).waitFor()
  const [own] = await messages()
  t.match(own, { content: 'Good morning!', seq: 2 })

  for (const other of app.io.of('/').sockets.values()) if (other.id !== socket.id) other.conn.close()
  await page.getByText('reconnecting').waitFor()
  await say('Still here?')
  await lines.nth(2).waitFor()
  t.same(await lines.allTextContents(), ['Ann: Hello <b>there</b>', `${own!.username}: Good morning!`, 'Ann: Still here?'])
  await page.getByText('online').waitFor()
  t.same(faults, [])
})

t.test('the bot of Node greets who comes, once', async t => {
  const app = await listen(t)
  const { messages, socket, cafeId } = await openCorner(t, app)
  const path = folder(t, { 'socket.io-client': installed('socket.io-client') })
  writeFileSync(join(path, 'bot.mjs'), program('Node', app.url))
  const bot = await launch({ command: process.execPath, args: ['bot.mjs'], options: { cwd: path }, ready: output => output.includes('at work') || undefined })
  t.teardown(() => bot.kill('SIGKILL'))
  const greeting = new Promise<Message>(resolve => { socket.on('message:new', ({ message }) => resolve(message)) })
  const bob = await connect(t, app, (await guest(app, 'Bob')).token)
  await ask(bob, 'join:cafe', { cafeId })
  t.match(await greeting, { username: 'Waiter', content: 'Welcome, Bob!', seq: 1 })
  t.equal((await messages()).length, 1)
  bot.kill('SIGTERM')
  t.same(await bot.exited, { code: 0, signal: null }, bot.logs())
  t.equal(bot.logs(), 'at work\n1 Welcome, Bob!\n')
})

t.test('the program in Python says what it is given, and hears it', async t => {
  const app = await listen(t)
  const { messages, say } = await openCorner(t, app)
  await say('Ni!')
  const python = findPython(['socketio', 'aiohttp'])
  const path = folder(t)
  writeFileSync(join(path, 'chat.py'), program('Python', app.url))
  const { code, stdout, stderr } = await run(python, ['chat.py', 'And now for something', 'completely different ☕'], path)
  t.equal(stderr, '')
  t.same(stdout.split('\n'), ['Monty: And now for something', 'Monty: completely different ☕', '3 messages, at rev 3', ''])
  t.equal(code, 0)
  t.same((await messages()).map(({ seq, content }) => `${seq} ${content}`), ['3 completely different ☕', '2 And now for something', '1 Ni!'])
})

t.test('curl reads all that was said, page by page', async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off' })
  const { say } = await openCorner(t, app)
  const said = Array.from({ length: 205 }, (_, index) => `message "${index + 1}"`)
  for (const content of said) await say(content)
  findProgram('curl', ['curl', 'ca-certificates'])
  findProgram('jq')
  const path = folder(t)
  writeFileSync(join(path, 'read.sh'), program('curl', app.url))
  const { code, stdout, stderr } = await run('sh', ['-eu', 'read.sh'], path)
  t.equal(stderr, '')
  t.equal(code, 0)
  t.same(stdout.trim().split('\n'), said.map((content, index) => `${index + 1} Ann: ${content}`))
})

import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { listen } from '../support/build.ts'
import { startProxy } from '../support/proxy.ts'
import { createDatabase, startServer } from '../support/servers.ts'
import { call, connect, guest, openCafe, until } from '../support/sockets.ts'
import type { MessagePage } from '../../schemas/messages.ts'
import type { CafePresence } from '../../schemas/presence.ts'
import { createStorage, enter, texts } from './cast.ts'

/** A cafe with Ann behind a proxy, and a way to say things past her. */
async function setUp (t: Parameters<typeof listen>[0], env: Record<string, string> = {}) {
  const app = await listen(t, { CHAT_LIMITS: 'off', ...env })
  const [ann, bob] = [await guest(app, 'Ann'), await guest(app, 'Bob')]
  const { id } = await openCafe(app, ann)
  const proxy = await startProxy(t, app.url)
  const say = (content: string) => call<{ message: { id: string } }>(app, 'POST', `/api/chat/messages/${id}`, { token: bob.token, body: { content } })
  const stored = async () => (await call<MessagePage>(app, 'GET', `/api/chat/messages/${id}?limit=100`, { token: ann.token })).messages.toReversed()
  return { app, ann, bob, id, proxy, say, stored }
}

t.test('a cut connection: it comes back with `since`, and sends what it had to', async t => {
  const { app, ann, bob, id, proxy, say, stored } = await setUp(t)
  const client = enter(t, { url: proxy.url, token: ann.token })
  const cafe = client.join(id)
  await cafe.whenJoined()
  await client.setStatus({ status: 'away' })
  await cafe.members()
  const { message } = await say('before')
  await until('it is heard', () => cafe.messages.length === 1)
  proxy.cut()
  const sending = cafe.send('meanwhile')
  await until('it is noticed', () => client.status.state === 'reconnecting')
  t.equal(cafe.state, 'recovering')
  await say('missed')
  await call(app, 'PATCH', `/api/chat/messages/${message.id}`, { token: bob.token, body: { content: 'edited' } })
  t.equal(sending.state, 'pending')
  t.strictSame(texts(cafe), ['before', 'meanwhile'])
  const states: string[] = []
  client.subscribe(() => { states.push(client.status.state) })
  proxy.resume()
  client.reconnect()
  await sending.settled()
  t.strictSame(cafe.messages, await stored())
  t.strictSame(texts(cafe), ['edited', 'missed', 'meanwhile'])
  t.strictSame(states.filter((state, index) => state !== states[index - 1]), ['reconnecting', 'recovering', 'online'])
  await until('the status is the one before', () => cafe.people.some(({ id, status }) => id === ann.user.id && status === 'away'))
})

t.test('what is heard after the ack of a join counts, also when both come in one piece', async t => {
  const { app, ann, bob, id, proxy } = await setUp(t)
  const client = enter(t, { url: proxy.url, token: ann.token, socket: { transports: ['websocket'] } })
  await until('she is online', () => client.status.state === 'online')
  proxy.hold()
  const cafe = client.join(id)
  await until('she is in', async () => (await call<CafePresence>(app, 'GET', `/api/chat/presence/${id}`, { token: bob.token })).userCount === 1)
  const before = proxy.answers()
  await connect(t, app, bob.token, { auth: { cafeId: id } })
  await until('she was told of him', () => proxy.answers() > before)
  proxy.release()
  await cafe.whenJoined()
  t.equal(cafe.userCount, 2)
})

t.test('too much was missed: a fresh page replaces the window', async t => {
  const { ann, id, proxy, say, stored } = await setUp(t, { CHAT_HISTORY_LIMIT: '5' })
  const client = enter(t, { url: proxy.url, token: ann.token })
  const cafe = client.join(id)
  await cafe.whenJoined()
  await say('before')
  await until('it is heard', () => cafe.messages.length === 1)
  proxy.cut()
  for (let index = 0; index < 8; index++) await say(`missed ${index}`)
  proxy.resume()
  await until('it is back', () => cafe.messages.length === 5)
  t.strictSame(texts(cafe), [3, 4, 5, 6, 7].map(index => `missed ${index}`))
  t.ok(cafe.hasOlder)
  await cafe.loadOlder()
  t.strictSame(cafe.messages, await stored())
})

t.test('a page is reloaded while it sends: each message is there once', async t => {
  const { ann, id, proxy, stored } = await setUp(t)
  const storage = createStorage()
  const lines: string[] = []
  for (let page = 0; page < 5; page++) {
    const client = enter(t, { url: proxy.url, token: ann.token, storage })
    const cafe = client.join(id)
    if (page > 0) await cafe.whenJoined()
    for (let index = 0; index < 4; index++) {
      lines.push(`line ${index} of page ${page}`)
      cafe.send(lines.at(-1)!)
    }
    // The answers are on their way, and never come.
    if (page % 2 === 0) proxy.drop(() => true)
    await delay(10 + 20 * page)
    const left = storage.text
    proxy.cut()
    client.close()
    t.equal(storage.text, left, 'closing leaves it as it is')
    proxy.drop()
    proxy.resume()
  }
  const last = enter(t, { url: proxy.url, token: ann.token, storage }).join(id)
  await last.whenJoined()
  await until('all are sent', () => JSON.parse(storage.text!).unsent.length === 0)
  t.strictSame((await stored()).map(({ content }) => content), lines)
  t.strictSame(last.messages, await stored())
})

t.test('a node that drains: its clients leave within the time it names, and lose nothing', async t => {
  const databaseUrl = await createDatabase(t)
  const env = { JWT_SECRET: 'a secret of the client tests, long enough', DATABASE_URL: databaseUrl, CHAT_LIMITS: 'off', DRAIN_WAIT: '300' }
  const node = await startServer(t, env)
  const port = new URL(node.url).port
  const ann = await guest(node, 'Ann')
  const { id } = await openCafe(node, ann)
  const client = enter(t, { url: node.url, token: ann.token })
  const cafe = client.join(id)
  await cafe.whenJoined()
  const states: string[] = []
  client.subscribe(() => { states.push(client.status.state) })
  const sendings: Array<ReturnType<typeof cafe.send>> = []
  // Not more than an outbox holds, however long the next node takes to start.
  const talk = setInterval(() => sendings.length < 400 && sendings.push(cafe.send(`number ${sendings.length}`)), 20)
  t.equal(await node.stop(), 0)
  const next = await startServer(t, { ...env, PORT: port })
  await until('it is back', () => client.status.state === 'online', 40_000)
  clearInterval(talk)
  await Promise.all(sendings.map(({ settled }) => settled()))
  t.ok(states.includes('draining'), states.join(' '))
  t.strictSame(sendings.filter(({ state }) => state !== 'sent'), [])
  t.strictSame(texts(cafe), sendings.map(({ content }) => content))
  const { total } = await call<MessagePage>(next, 'GET', `/api/chat/messages/${id}`, { token: ann.token })
  t.equal(total, sendings.length, 'each once')
})

import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { listen } from '../support/build.ts'
import { guest, until } from '../support/sockets.ts'
import { CAFE, enter, makeMessage, startStranger, texts, watch } from './cast.ts'

t.setTimeout(100_000)

const unhandled: unknown[] = []
process.on('unhandledRejection', reason => unhandled.push(reason))
t.afterEach(() => { t.strictSame(unhandled.splice(0), [], 'no rejection was left alone') })

/** Counts how often somebody knocks at a port where nobody understands them. */
async function startWall (t: Test, answer: string) {
  let knocks = 0
  const server = createServer(socket => {
    knocks++
    socket.on('error', () => {})
    socket.end(answer)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, knocks: () => knocks }
}

t.test('a server that is down: it says so, waits longer and longer, and a message waits with it', async t => {
  const wall = await startWall(t, '')
  const client = enter(t, { url: wall.url, token: 'x' })
  const sending = client.join(CAFE).send('Hello?')
  await until('it says so', () => client.status.state === 'reconnecting' && client.status.error !== undefined)
  t.match(client.status, { error: { code: 'CLIENT_OFFLINE' }, retryInMs: Number })
  await new Promise(resolve => { setTimeout(resolve, 2000) })
  t.ok(wall.knocks() < 12, `${wall.knocks()} tries in two seconds`)
  t.equal(sending.state, 'pending')
  await t.rejects(client.call('GET', '/'), { code: 'CLIENT_OFFLINE' })
  client.close()
  const after = wall.knocks()
  await new Promise(resolve => { setTimeout(resolve, 500) })
  t.equal(wall.knocks(), after, 'a closed one does not try')
})

t.test('a server that answers errors, or is a proxy without anything behind it', async t => {
  const wall = await startWall(t, 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno')
  const client = enter(t, { url: wall.url, token: 'x' })
  await until('it says so', () => client.status.error !== undefined)
  t.match(client.status, { state: 'reconnecting', error: { code: 'CLIENT_OFFLINE' } })
  await t.rejects(client.call('GET', '/'), { code: 'CHAT_UNAVAILABLE' })
})

t.test('a server that refuses the token: refused, and nothing more until there is another', async t => {
  const app = await listen(t)
  let knocks = 0
  app.io.engine.on('connection', () => { knocks++ })
  const client = enter(t, { url: app.url, token: 'forged' })
  const states = watch(client)
  const cafe = client.join(CAFE)
  await until('it is refused', () => client.status.state === 'refused')
  t.match(client.status.error, { code: 'CHAT_UNAUTHENTICATED' })
  await new Promise(resolve => { setTimeout(resolve, 800) })
  t.equal(knocks, 1)
  t.strictSame(states, ['connecting', 'refused'])
  await t.rejects(client.call('GET', '/api/cafes'), { code: 'CHAT_UNAUTHENTICATED' })

  client.setToken((await guest(app, 'Ann')).token)
  await until('it is taken', () => client.status.state === 'online')
  await t.rejects(cafe.whenJoined(), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.match(cafe, { state: 'refused', error: { code: 'CHAT_CAFE_NOT_FOUND' } })
  const sending = cafe.send('Anybody?')
  t.match(sending, { state: 'failed', error: { code: 'CHAT_CAFE_NOT_FOUND' } })
  t.equal(client.join(CAFE), cafe)
  t.equal(cafe.state, 'joining', 'asked once more')
  await t.rejects(cafe.whenJoined(), { code: 'CHAT_CAFE_NOT_FOUND' })
})

t.test('getToken: asked for the first and after a refusal, not for ever; what it throws is told', async t => {
  const { url } = await listen(t)
  const good = (await guest({ url }, 'Ann')).token
  const given = ['forged', good]
  const client = enter(t, { url, getToken: async () => given.shift() ?? '' })
  await until('the second is taken', () => client.status.state === 'online')

  let asked = 0
  const stubborn = enter(t, { url, getToken: () => `forged ${++asked}` })
  await until('it is refused', () => stubborn.status.state === 'refused')
  t.equal(asked, 2)
  const same = enter(t, { url, getToken: () => 'forged' })
  await until('it is refused', () => same.status.state === 'refused')

  const broken = enter(t, { url, getToken: () => { throw new Error('no network') } })
  await until('it says so', () => broken.status.state === 'reconnecting' && broken.status.error?.code === 'CLIENT_TOKEN')
  t.match(broken.status.error!.cause, { message: 'no network' })
  const empty = enter(t, { url, getToken: () => '' })
  await until('it says so', () => empty.status.error?.code === 'CLIENT_TOKEN')
  t.equal(enter(t, { url }).status.state, 'connecting')
})

t.test('a server of an older contract: what is missing is not needed, what is unknown is not heard', async t => {
  const requests: unknown[] = []
  const url = await startStranger(t, socket => {
    socket.emit('connected', { userId: 'ann', username: 'Ann' })
    socket.emit('weather', { rain: true })
    for (const event of ['message:new', 'message:history', 'message:deleted', 'users:update', 'typing:indicator', 'topics:update', 'presence:update', 'connected', 'server:draining2']) {
      for (const nonsense of [undefined, null, 5, 'text', [], {}, { cafeId: CAFE }, { message: null }, { message: { cafeId: CAFE } }, { cafeId: CAFE, messages: 5 }]) socket.emit(event, nonsense)
    }
    socket.on('join:cafe', (request, ack) => {
      requests.push(request)
      socket.emit('message:history', { cafeId: CAFE, messages: [{ ...makeMessage(1), mood: 'good' }, null, {}], rev: 1 })
      ack({ ok: true, data: { cafeId: CAFE } })
      socket.emit('message:new', { message: makeMessage(2), colour: 'red' })
      socket.emit('message:deleted', { cafeId: CAFE, messageId: 'message 1', seq: 1, rev: 3 })
    })
    socket.on('message:send', ({ clientId, content }, ack) => ack({ ok: true, data: { message: makeMessage(3, { rev: 4, content, clientId }) } }))
  })
  const client = enter(t, { url, token: 'x' })
  const cafe = client.join(CAFE)
  await cafe.whenJoined()
  await cafe.send('Hello').settled()
  t.strictSame(texts(cafe), ['', 'text 2', 'Hello'])
  t.match(client.status, { state: 'online' })
  t.strictSame(requests, [{ cafeId: CAFE }])
})

t.test('a server whose log has gaps is asked again, but not all the time', async t => {
  let joins = 0
  let rev = 1
  const url = await startStranger(t, socket => {
    socket.on('join:cafe', ({ since }, ack) => {
      joins++
      socket.emit('message:history', { cafeId: CAFE, messages: [], rev: since ?? 0, recovered: since !== undefined })
      ack({ ok: true, data: { cafeId: CAFE, rev: since ?? 0, seq: 0, userCount: 1, recovered: true } })
      setTimeout(() => socket.emit('message:new', { message: makeMessage(rev += 2), rev }), 5)
    })
  })
  const cafe = enter(t, { url, token: 'x' }).join(CAFE)
  await new Promise(resolve => { setTimeout(resolve, 3000) })
  t.ok(joins > 1 && joins < 8, `${joins} joins in three seconds`)
  t.ok(cafe.messages.length > 1, 'what came is shown')
})

t.test('a server that closes each connection at once: waits grow', async t => {
  let connections = 0
  const url = await startStranger(t, socket => {
    connections++
    socket.disconnect(true)
  })
  const client = enter(t, { url, token: 'x' })
  await new Promise(resolve => { setTimeout(resolve, 3000) })
  t.ok(connections > 1 && connections < 8, `${connections} in three seconds`)
  t.equal(client.status.error?.code, 'CLIENT_OFFLINE')
})

t.test('a server that answers nonsense, or refuses for reasons of its own', async t => {
  const answers = [5, { ok: true }, { ok: false }, { ok: false, error: { code: 'CHAT_FORBIDDEN', message: 'no' } }]
  const url = await startStranger(t, socket => {
    socket.on('join:cafe', (_, ack) => ack(answers.shift()))
  }, (socket, next) => {
    if (socket.handshake.auth.token === 'good') next()
    else next(Object.assign(new Error('busy'), { data: { code: 'CHAT_UNAVAILABLE', message: 'busy', retryAfterMs: 1000 } }))
  })
  const client = enter(t, { url, token: 'good' })
  const cafe = client.join(CAFE)
  await until('it says so', () => cafe.error?.code === 'CLIENT_BAD_ANSWER')
  await t.rejects(cafe.whenJoined(), { code: 'CHAT_FORBIDDEN' })
  t.strictSame(answers, [])
  const busy = enter(t, { url, token: 'other' })
  await until('it says so', () => busy.status.error !== undefined)
  t.match(busy.status, { state: 'reconnecting', error: { code: 'CHAT_UNAVAILABLE' } })
  t.ok(busy.status.retryInMs! >= 1000)
})

t.test('refusals that pass: it joins anew, sends again, and takes another clientId where the server has another text', async t => {
  const sent: Array<{ clientId: string, content: string }> = []
  let joins = 0
  const refusals = ['CHAT_NOT_MEMBER', 'CHAT_OUTCOME_UNKNOWN', 'CHAT_CLIENT_ID_CONFLICT']
  const url = await startStranger(t, socket => {
    socket.on('join:cafe', (_, ack) => {
      joins++
      socket.emit('message:history', { cafeId: CAFE, messages: [], rev: 0, recovered: false })
      ack({ ok: true, data: { cafeId: CAFE, rev: 0, seq: 0, userCount: 1, recovered: false } })
    })
    socket.on('message:send', (payload, ack) => {
      sent.push(payload)
      const code = refusals.shift()
      if (code !== undefined) return ack({ ok: false, error: { code, message: code, retryAfterMs: 10 } })
      ack({ ok: true, data: { message: makeMessage(1, { content: payload.content, clientId: payload.clientId }), duplicate: false } })
    })
  })
  const storage = { load: () => null, save () { throw new Error('full') } }
  const client = enter(t, { url, token: 'x', storage })
  const cafe = client.join(CAFE)
  const first = cafe.send('Hello')
  t.match(client.storageError, { code: 'CLIENT_STORAGE', cause: { message: 'full' } })
  await first.settled()
  t.match(first, { state: 'failed', error: { code: 'CHAT_CLIENT_ID_CONFLICT' } })
  t.equal(joins, 2)
  const second = cafe.retry(first)!
  await second.settled()
  t.strictSame([first.state, second.state], ['discarded', 'sent'])
  t.strictSame(sent.map(({ clientId }) => clientId), [...Array(3).fill(first.clientId), second.clientId])
  t.not(first.clientId, second.clientId)
  t.strictSame(texts(cafe), ['Hello'])
})

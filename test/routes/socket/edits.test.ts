import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Message, MessagePage, SendReply } from '../../../schemas/messages.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { listen } from '../../support/build.ts'
import { startRedis } from '../../support/servers.ts'
import { type Client, ask, call, connect, guest, heard, heardAll, once, openCafe, refused, until } from '../../support/sockets.ts'

t.setTimeout(110_000)

type Node = Awaited<ReturnType<typeof listen>>

/** Runs a test on one node without Redis, and across two nodes with it. */
function onBoth (name: string, env: Record<string, string>, run: (t: Test, here: Node, there: Node) => Promise<void>) {
  t.test(`${name}: one node`, async t => {
    const node = await listen(t, env)
    await run(t, node, node)
  })
  t.test(`${name}: two nodes`, async t => {
    const REDIS_URL = (await startRedis(t)).url
    const here = await listen(t, { ...env, REDIS_URL })
    const there = await listen(t, { ...env, REDIS_URL, DATABASE_URL: here.databaseUrl })
    await run(t, here, there)
  })
}

/** A socket in the cafe. */
async function join (t: Test, node: Node, { token }: { token: string }, cafeId: string): Promise<Client> {
  const socket = await connect(t, node, token)
  await ask(socket, 'join:cafe', { cafeId })
  return socket
}

/** A guest who has joined the cafe. */
async function visit (t: Test, node: Node, username: string, cafeId: string) {
  const { token, user } = await guest(node, username)
  return { token, user, socket: await join(t, node, { token }, cafeId) }
}

/** The revs of the changes a socket heard live, as they came. */
const revs = (socket: Client) => heardAll(socket)
  .filter(([name]) => name === 'message:new' || name === 'message:updated' || name === 'message:deleted')
  .map(([, payload]) => (payload as { rev: number }).rev)

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

const wait = (ms: number) => new Promise<void>(resolve => { setTimeout(resolve, ms) })

onBoth('members hear an edit, and everything that can be read agrees', { CHAT_LIMITS: 'off' }, async (t, here, there) => {
  const ann = await guest(here, 'ann')
  const { id: cafeId } = await openCafe(here, ann)
  const socket = await connect(t, here, ann.token)
  const bob = await visit(t, there, 'bob', cafeId)
  const cem = await visit(t, here, 'cem', cafeId)
  await ask(cem.socket, 'message:send', { cafeId, content: 'first' })
  await ask(socket, 'join:cafe', { cafeId })
  const { message } = await ask(socket, 'message:send', { cafeId, content: 'espreso please', clientId: 'e' })
  await ask(cem.socket, 'message:send', { cafeId, content: 'last' })
  await until('bob is up to date', () => revs(bob.socket).length === 3)

  await ask(socket, 'leave:cafe', { cafeId })
  const edited = await ask(socket, 'message:edit', { messageId: message.id, content: 'espresso please' })
  t.match(edited.message, { ...message, content: 'espresso please', rev: 4, editedAt: /Z$/ }, 'it takes no join')
  for (const { socket } of [bob, cem]) {
    await until('the edit is heard', () => heard(socket, 'message:updated').length === 1)
    t.same(heard(socket, 'message:updated'), [{ message: edited.message, rev: 4 }])
    t.same(revs(socket), [1, 2, 3, 4])
  }
  t.same(heard(socket, 'message:updated'), [], 'who has left hears nothing')

  const dan = await visit(t, there, 'dan', cafeId)
  const [history] = heard(dan.socket, 'message:history')
  t.same(history!.messages[1], edited.message)
  await ask(socket, 'join:cafe', { cafeId, since: 3 })
  t.match(heard(socket, 'message:history').at(-1), { recovered: true, rev: 4, messages: [edited.message] })
  t.equal(heard(socket, 'message:history').at(-1)!.messages.length, 1, 'exactly what changed')
  for (const node of [here, there]) {
    const page = await call<MessagePage>(node, 'GET', `/api/chat/messages/${cafeId}`, { token: ann.token })
    t.same(page.messages, history!.messages)
    t.equal(page.rev, 4)
    await until('the cache agrees', async () => (await node.stores.hot.recent.read(cafeId))?.rev === 4)
    t.same((await node.stores.hot.recent.read(cafeId))!.messages, history!.messages)
  }
  await checkLog(t, here.pg.pool)
})

onBoth('edits over REST and socket, sends and deletions at once: every member hears every step in order', { CHAT_LIMITS: 'off', CHAT_HISTORY_LIMIT: '100' }, async (t, here, there) => {
  const { id: cafeId } = await openCafe(here, await guest(here, 'founder'))
  const people = await Promise.all(range(0, 5).map(index => visit(t, index % 2 === 0 ? here : there, `user ${index}`, cafeId)))
  const steps = people.map(async ({ socket, token }, index) => {
    const node = index % 2 === 0 ? there : here
    for (let round = 0; round < 6; round++) {
      const { message } = await ask(socket, 'message:send', { cafeId, content: `${index} ${round}` })
      await Promise.all([
        ask(socket, 'message:edit', { messageId: message.id, content: `${index} ${round} by socket` }),
        call(node, 'PATCH', `/api/chat/messages/${message.id}`, { token, body: { content: `${index} ${round} by REST` } })
      ])
      if (round % 3 === 0) await ask(socket, 'message:delete', { messageId: message.id })
    }
  })
  await Promise.all(steps)
  const rev = 6 * (6 * 3 + 2)
  for (const { socket } of people) {
    await until(`all ${rev} steps are heard`, () => revs(socket).length >= rev)
    t.same(revs(socket), range(1, rev))
    // A client that lays what it hears over what it has, by id and rev, has what the database has.
    const list = new Map<string, Message>()
    for (const { message } of [...heard(socket, 'message:new'), ...heard(socket, 'message:updated')].toSorted((a, b) => a.message.rev - b.message.rev)) list.set(message.id, message)
    for (const { messageId, rev, deletedAt } of heard(socket, 'message:deleted')) {
      const message = list.get(messageId)!
      list.set(messageId, { ...message, content: '', deleted: true, rev, deletedAt })
    }
    const page = await call<MessagePage>(here, 'GET', `/api/chat/messages/${cafeId}?limit=100`, { token: people[0]!.token })
    t.same([...list.values()].toSorted((a, b) => b.seq - a.seq), page.messages)
  }
  await checkLog(t, here.pg.pool)
})

onBoth('topics follow an edit', { CHAT_LIMITS: 'off' }, async (t, here, there) => {
  const ann = await guest(here, 'ann')
  const { id: cafeId } = await openCafe(here, ann)
  const socket = await join(t, here, ann, cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const { message } = await ask(socket, 'message:send', { cafeId, content: 'croissants' })
  await once(bob.socket, 'topics:update', ({ topics }) => topics.includes('croissants'))
  await ask(socket, 'message:edit', { messageId: message.id, content: 'sourdough' })
  await once(bob.socket, 'topics:update', ({ topics }) => topics.includes('sourdough') && !topics.includes('croissants'))
  t.match(await call(there, 'GET', `/api/chat/topics/${cafeId}`, { token: ann.token }), { topics: ['sourdough'] })
})

t.test('who may not edit, and what may not be', async t => {
  const node = await listen(t, { CHAT_LIMITS: 'off' })
  const ann = await guest(node, 'ann')
  const { id: cafeId } = await openCafe(node, ann)
  const socket = await join(t, node, ann, cafeId)
  const bob = await visit(t, node, 'bob', cafeId)
  const moderator = await connect(t, node, node.issue({ ...bob.user, role: 'moderator' }).token)
  const { message } = await ask(socket, 'message:send', { cafeId, content: 'mine' })
  const { id: messageId } = message

  t.match(await refused(bob.socket, 'message:edit', { messageId, content: 'theirs' }), { code: 'CHAT_FORBIDDEN' })
  t.match(await refused(moderator, 'message:edit', { messageId, content: 'theirs' }), { code: 'CHAT_FORBIDDEN' }, 'a moderator deletes but puts no words into a mouth')
  t.match(await refused(socket, 'message:edit', { messageId: randomUUID(), content: 'nowhere' }), { code: 'CHAT_MESSAGE_NOT_FOUND' })
  for (const content of ['', ' ', 'x'.repeat(501), 'a\0b', '\ud800']) t.match(await refused(socket, 'message:edit', { messageId, content }), { code: 'CHAT_CONTENT_INVALID' }, JSON.stringify(content.slice(0, 5)))
  for (const payload of [{}, { messageId }, { content: 'x' }, { messageId: 'x', content: 'x' }, { messageId, content: 1 }, { messageId, content: 'x', cafeId }, null, [], 'x']) {
    t.match(await refused(socket, 'message:edit', payload), { code: 'CHAT_VALIDATION' }, JSON.stringify(payload))
  }
  t.same((await ask(socket, 'message:edit', { messageId, content: 'mine' })).message, message, 'the same text is no change')
  await ask(socket, 'message:delete', { messageId })
  t.match(await refused(socket, 'message:edit', { messageId, content: 'back' }), { code: 'CHAT_MESSAGE_NOT_FOUND' })
  await until('the deletion is heard', () => heard(bob.socket, 'message:deleted').length === 1)
  t.same(heard(bob.socket, 'message:updated'), [])
  t.same(revs(bob.socket), [1, 2])
  await checkLog(t, node.pg.pool)
})

t.test('edits count towards the rate of their user', async t => {
  const node = await listen(t, { CHAT_USER_RATE: '3' })
  const ann = await guest(node, 'ann')
  const { id: cafeId } = await openCafe(node, ann)
  const socket = await join(t, node, ann, cafeId)
  const { message: { id: messageId } } = await ask(socket, 'message:send', { cafeId, content: 'one' })
  for (const content of ['two', 'three']) await ask(socket, 'message:edit', { messageId, content })
  const error = await refused(socket, 'message:edit', { messageId, content: 'four' })
  t.match(error, { code: 'CHAT_RATE_LIMITED' })
  t.ok(error.retryAfterMs! > 0)
})

onBoth('a rate refuses new sends, never a retry', { CHAT_USER_RATE: '1' }, async (t, here, there) => {
  const ann = await guest(here, 'ann')
  const { id: cafeId } = await openCafe(here, ann)
  const socket = await join(t, here, ann, cafeId)
  const phone = await join(t, there, ann, cafeId)
  const send = { cafeId, content: 'only once', clientId: 'retry' }
  const { message } = await ask(socket, 'message:send', send)
  const post = (node: Node, body: object, status: number) => call<SendReply>(node, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body, status })

  t.match(await refused(socket, 'message:send', { cafeId, content: 'new' }), { code: 'CHAT_RATE_LIMITED' })
  t.match(await refused(phone, 'message:send', { cafeId, content: 'new', clientId: 'new' }), { code: 'CHAT_RATE_LIMITED' })
  for (const tab of [socket, phone, socket, phone]) t.same(await ask(tab, 'message:send', send), { message, duplicate: true })
  for (const node of [here, there]) t.same(await post(node, { content: send.content, clientId: send.clientId }, 200), { message, duplicate: true })
  t.match(await refused(phone, 'message:send', { ...send, content: 'another' }), { code: 'CHAT_CLIENT_ID_CONFLICT' })
  t.match(await post(there, { content: 'another', clientId: send.clientId }, 409), { code: 'CHAT_CLIENT_ID_CONFLICT' })
  t.match(await refused(socket, 'message:send', { cafeId, content: 'new' }), { code: 'CHAT_RATE_LIMITED' }, 'retries open no door for new ones')
  await ask(socket, 'message:delete', { messageId: message.id })
  t.match(await ask(phone, 'message:send', send), { duplicate: true, message: { id: message.id, deleted: true, content: '', rev: 2 } }, 'a retry finds it as it is now')
  await until('the deletion is heard', () => heard(phone, 'message:deleted').length === 1)
  t.same(revs(phone), [1, 2], 'no retry was broadcast')
  await checkLog(t, here.pg.pool)
})

onBoth('repeated content is refused, never a retry', { CHAT_REPEAT_WINDOW: '1500' }, async (t, here, there) => {
  const ann = await guest(here, 'ann')
  const { id: cafeId } = await openCafe(here, ann)
  const socket = await join(t, here, ann, cafeId)
  const phone = await join(t, there, ann, cafeId)
  const send = { cafeId, content: 'again and again', clientId: 'first' }
  const { message: first } = await ask(socket, 'message:send', send)
  t.match(await refused(phone, 'message:send', { ...send, clientId: 'second' }), { code: 'CHAT_REPEATED' })
  await wait(1600)
  const { message: second } = await ask(phone, 'message:send', { ...send, clientId: 'second' })
  t.equal(second.seq, 2, 'the window is over')

  // The check now knows the content under the second id only.
  t.same(await ask(phone, 'message:send', send), { message: first, duplicate: true })
  const body = { content: send.content, clientId: 'first' }
  t.same(await call(there, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body, status: 200 }), { message: first, duplicate: true })
  const { message: edited } = await ask(socket, 'message:edit', { messageId: first.id, content: 'edited' })
  t.same(await ask(phone, 'message:send', send), { message: edited, duplicate: true }, 'after an edit the retry is still one')
  t.match(await refused(phone, 'message:send', { ...send, clientId: 'third' }), { code: 'CHAT_REPEATED' })
  t.match(await refused(socket, 'message:send', { cafeId, content: 'again and again' }), { code: 'CHAT_REPEATED' }, 'without a clientId nothing is a retry')
  await checkLog(t, here.pg.pool)
})

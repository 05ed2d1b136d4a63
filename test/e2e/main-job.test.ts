import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import t from 'tap'
import type { Message, MessagePage } from '../../schemas/messages.ts'
import type { CafePresence } from '../../schemas/presence.ts'
import type { CafeTopics } from '../../schemas/topics.ts'
import type { Session } from '../../schemas/users.ts'
import { createDatabase, redisUrl, startServer, type OwnServer } from '../support/servers.ts'
import { ask, call, connect, guest, heard, once, openCafe, until, type Client } from '../support/sockets.ts'

type Line = { speaker: string, text: string } | { speaker: string, delete: number }

interface Conversation {
  speakers: string[]
  /** Words that more speakers say than any other, the one with the most first. */
  trending: string[]
  /** A word that many say, and then delete. */
  takenBack: string
  /** `delete`: the number of one of the speaker's own messages, counted from 1. */
  lines: Line[]
}

const { speakers, trending, takenBack, lines } = JSON.parse(readFileSync(new URL('conversation.json', import.meta.url), 'utf8')) as Conversation
const texts = lines.flatMap(line => 'text' in line ? [line] : [])
const deleted = new Set(lines.flatMap(line => 'delete' in line ? [line.delete] : []))

t.setTimeout(90_000)

t.test('the conversation is what this test needs', async t => {
  t.ok(texts.length > 100, 'more than one page of any size')
  for (const script of ['Latin', 'Hiragana', 'Han', 'Arabic', 'Devanagari', 'Thai']) {
    t.ok(texts.some(({ text }) => new RegExp(`\\p{Script=${script}}`, 'u').test(text)), script)
  }
  t.ok(texts.some(({ text }) => /[äöüß]/.test(text)), 'umlauts')
  t.ok(texts.some(({ text }) => /\p{Extended_Pictographic}\u200d\p{Extended_Pictographic}/u.test(text)), 'emoji joined to one')
  t.ok(texts.some(({ text }) => /\p{Lu}.*e\u0301/u.test(text)), 'a letter in two code points')
  for (const number of deleted) t.ok(texts[number - 1] !== undefined)

  const people = (word: string, kept: boolean) => new Set(texts
    .filter(({ text }, index) => text.toLowerCase().includes(word) && !(kept && deleted.has(index + 1)))
    .map(({ speaker }) => speaker)).size
  t.strictSame(trending.map(word => people(word, true)), [7, 6, 5, 4], 'each has one speaker more than the next')
  t.equal(people(takenBack, false), 5, 'this one would trend')
  t.equal(people(takenBack, true), 0, 'but nothing of it stays')
})

t.test('ten stock clients on two nodes hold one conversation', async t => {
  const [databaseUrl, hotUrl] = await Promise.all([createDatabase(t), redisUrl(t)])
  const env = { DATABASE_URL: databaseUrl, REDIS_URL: hotUrl, JWT_SECRET: 'shared by both nodes, forty characters!!!' }
  const nodes = await Promise.all([startServer(t, env), startServer(t, env)])
  const [left, right] = nodes
  const redis = new Redis(hotUrl)
  t.teardown(() => redis.disconnect())
  const sessions = new Map(await Promise.all(speakers.map(async (name, index) => [name, await guest(nodes[index % 2]!, name)] as const)))
  const session = (name: string): Session => sessions.get(name)!
  const [first, second] = speakers.map(session) as [Session, Session]
  const cafe = await openCafe(left, first, 'Zum tanzenden Löffel')
  const read = <T>(node: OwnServer, path: string) => call<T>(node, 'GET', `/api/chat/${path}`, { token: second.token })

  // Eight speakers, two of whom have a second device on the other node. Nothing is said of transports: polling, then websocket.
  const seats = [...speakers.map((name, index) => [name, index % 2] as const), [speakers[0]!, 1] as const, [speakers[1]!, 0] as const]
  const clients = await Promise.all(seats.map(async ([name, node]) => {
    const socket = await connect(t, nodes[node]!, session(name).token, { reconnection: true })
    return { name, socket }
  }))
  const voice = (name: string): Client => clients.find(client => client.name === name)!.socket
  for (const { socket } of clients) await ask(socket, 'join:cafe', { cafeId: cafe.id })
  const joinedAt = Date.now()

  await t.test('everybody counts eight, by events, REST and Redis', async t => {
    for (const { name, socket } of clients) {
      await until(`${name} heard of eight`, () => heard(socket, 'users:update').at(-1)?.userCount === 8)
    }
    for (const node of nodes) {
      const { userCount, users } = await read<CafePresence>(node, `presence/${cafe.id}`)
      t.equal(userCount, 8)
      t.strictSame(users.map(user => user.username).sort(), [...speakers].sort())
    }
    t.equal(await redis.scard(`cafe:${cafe.id}:users`), 8)
  })

  for (const line of lines) {
    const socket = voice(line.speaker)
    if ('text' in line) {
      await ask(socket, 'message:send', { cafeId: cafe.id, content: line.text })
      continue
    }
    // Whoever deletes a message has heard it first.
    await until('the message is heard', () => heard(socket, 'message:new').length >= line.delete)
    await ask(socket, 'message:delete', { messageId: heard(socket, 'message:new')[line.delete - 1]!.message.id })
  }

  for (const { name, socket } of clients) {
    await until(`${name} heard it all`, () => heard(socket, 'message:new').length === texts.length && heard(socket, 'message:deleted').length === deleted.size)
  }
  const history = await readAll(left)

  await t.test('REST pages, followed by their cursor, are the conversation', async t => {
    t.strictSame(history.map(({ username, content, deleted, seq }) => ({ username, content, deleted, seq })), texts.map(({ speaker, text }, index) => ({
      username: speaker,
      content: deleted.has(index + 1) ? '' : text,
      deleted: deleted.has(index + 1),
      seq: index + 1
    })).reverse())
    t.strictSame(await readAll(right), history, 'the other node says the same')
  })

  await t.test('all ten hold the same list', async t => {
    for (const { name, socket } of clients) {
      t.strictSame(listOf(socket), [...history].reverse(), name)
      t.equal(socket.io.engine.transport.name, 'websocket', 'upgraded from polling')
    }
  })

  await t.test('Redis holds the first page', async t => {
    const key = `cafe:${cafe.id}:messages`
    const page = history.slice(0, 100)
    await until('the list is written', async () => (await redis.lindex(key, 0))?.includes(page[0]!.id) ?? false)
    t.strictSame((await redis.lrange(key, 0, -1)).map(text => JSON.parse(text)), page)
  })

  await t.test('what most of them talked about trends, what was taken back does not', async t => {
    const talkedAbout = async () => (await read<CafeTopics>(right, `topics/${cafe.id}`)).topics
    await until('all words are counted', async () => (await talkedAbout()).slice(0, trending.length).join() === trending.join())
    t.notOk((await talkedAbout()).includes(takenBack))
    t.strictSame((await redis.zrevrange(`cafe:${cafe.id}:topics`, 0, trending.length - 1)), trending)
    t.equal(await redis.zscore(`cafe:${cafe.id}:topics`, takenBack), null)
    for (const { name, socket } of clients) {
      await until(`${name} heard the topics`, () => heard(socket, 'topics:update').at(-1)?.topics.slice(0, trending.length).join() === trending.join())
    }
  })

  await t.test('a device that goes changes no count, a person who goes does', async t => {
    // Until 2 quiet seconds have passed, comings and goings are told in summaries.
    await delay(Math.max(0, joinedAt + 3000 - Date.now()))
    const [watcher, device, person] = [clients[2]!.socket, clients[9]!.socket, clients[7]!]
    const before = heard(watcher, 'users:update').length
    device.disconnect()
    const gone = once(watcher, 'users:update', ({ userCount }) => userCount === 7)
    person.socket.disconnect()
    t.match(await gone, { userCount: 7, action: 'leave', user: { username: person.name } })
    t.equal(heard(watcher, 'users:update').length, before + 1, 'nothing was said of the device')
    t.equal((await read<CafePresence>(right, `presence/${cafe.id}`)).userCount, 7)
    t.equal(await redis.scard(`cafe:${cafe.id}:users`), 7)
  })

  await t.test('PostgreSQL has every message once, and the numbers have no holes', async t => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    t.teardown(() => client.end())
    const { rows: [row] } = await client.query(`
      SELECT (SELECT count(*)::int FROM messages) AS messages, (SELECT count(*)::int FROM changes) AS changes, seq::int, rev::int,
        (SELECT count(DISTINCT rev)::int FROM (SELECT created_rev AS rev FROM messages UNION ALL SELECT rev FROM changes) r WHERE r.rev BETWEEN 1 AND h.rev) AS revs
      FROM cafe_heads h`)
    t.strictSame(row, { messages: texts.length, changes: deleted.size, seq: texts.length, rev: lines.length, revs: lines.length })
  })

  await t.test('both nodes stop on SIGTERM, with clients connected, and have nothing to complain of', async t => {
    const began = Date.now()
    t.strictSame(await Promise.all(nodes.map(node => node.stop())), [0, 0], 'exit codes')
    t.ok(Date.now() - began < 10_000, `in ${Date.now() - began} ms`)
    t.equal(heard(clients[2]!.socket, 'server:draining').length, 1, 'those who are connected are told')
    for (const node of nodes) {
      const output = node.logs().trim().split('\n')
      const entries = output.map(line => JSON.parse(line) as { level: number, msg: string })
      t.strictSame(entries.filter(({ level }) => level >= 50), [], 'no errors')
      t.notMatch(node.logs(), /unhandled|uncaught/i)
    }
  })

  /** The whole history, newest first, by the cursor `before`. */
  async function readAll (node: OwnServer): Promise<Message[]> {
    const messages: Message[] = []
    for (let cursor = ''; messages.length < 1000;) {
      const page = await read<MessagePage>(node, `messages/${cafe.id}?limit=25${cursor}`)
      messages.push(...page.messages)
      if (!page.hasBefore) return messages
      cursor = `&before=${messages.at(-1)!.seq}`
    }
    throw new Error('the pages do not end')
  }
})

/** What a simple client shows: messages as they came in, each replaced by its tombstone when it is deleted. */
function listOf (socket: Client): Message[] {
  const list = heard(socket, 'message:new').map(({ message }) => message)
  for (const { messageId, rev, deletedAt } of heard(socket, 'message:deleted')) {
    const index = list.findIndex(({ id }) => id === messageId)
    list[index] = { ...list[index]!, content: '', deleted: true, rev, deletedAt }
  }
  return list
}

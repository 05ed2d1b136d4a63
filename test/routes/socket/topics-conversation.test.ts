import t from 'tap'
import type { CafeTopics } from '../../../schemas/topics.ts'
import { readCorpus } from '../../corpus/corpus.ts'
import { listen } from '../../support/build.ts'
import { startProxy } from '../../support/proxy.ts'
import { startRedis } from '../../support/servers.ts'
import { type Client, ask, call, heard, until } from '../../support/sockets.ts'
import { openClients } from '../../stores/redis/state.ts'
import { createShapes, found, visit, wait } from './cast.ts'

const { onBoth } = await createShapes(t, { CHAT_LIMITS: 'off' })
const updates = (socket: Client) => heard(socket, 'topics:update').map(({ topics }) => topics)

await onBoth('a conversation, its topics with their numbers, and what a deletion leaves', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const { topics, lines } = readCorpus().find(({ name }) => name === 'german')!
  const authors = [...new Set(lines.map(({ author }) => author))]
  const people = new Map(await Promise.all(authors.map(async (name, index) => [name, await visit(t, index % 2 === 0 ? here : there, name, cafeId)] as const)))
  const { token, socket: watcher } = people.get('anna')!
  const read = (node = there) => call<CafeTopics>(node, 'GET', `/api/chat/topics/${cafeId}?limit=5`, { token })
  const milk: string[] = []
  for (const { author, content } of lines) {
    const { message } = await ask(people.get(author)!.socket, 'message:send', { cafeId, content })
    if (content.includes('Hafermilch')) milk.push(message.id)
  }
  await until('everybody hears of the five', () => [...people.values()].every(({ socket }) => updates(socket).at(-1)?.slice(0, 5).join() === topics.join()))
  for (const node of [here, there]) {
    const { topics: names, details } = await read(node)
    t.same(names, topics)
    t.same(details.map(({ topic, messages }) => [topic, messages]), [['käsekuchen', 5], ['flohmarkt', 5], ['kaffeemühle', 4], ['wlan', 3], ['hafermilch', 2]])
    for (const [index, count] of [5, 4, 3, 3, 2].entries()) t.ok(details[index]!.score <= count && details[index]!.score > 0.9 * count, `${details[index]!.score} of ${count} people`)
  }
  for (const [index, messageId] of milk.entries()) await ask(people.get(['eva', 'anna'][index]!)!.socket, 'message:delete', { messageId })
  await until('what was deleted is no topic', () => !updates(watcher).at(-1)!.includes('hafermilch'))
  t.notOk((await read()).topics.includes('hafermilch'))
})

await onBoth('what does no harm', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const letters = 'abcdefghijklmnopqrst'
  for (const content of ['😀'.repeat(500), 'x'.repeat(500), 'ー'.repeat(500), '#'.repeat(500), `#${'y'.repeat(499)}`, 'e\u0301'.repeat(250), '@'.repeat(500)]) {
    for (const { socket } of [ann, bob]) await ask(socket, 'message:send', { cafeId, content })
  }
  await ask(ann.socket, 'message:send', { cafeId, content: 'espresso' })
  await until('the next message counts', () => updates(bob.socket).length > 0)
  t.same(updates(bob.socket), [['espresso']])
  // As many words as fit, all different, by one person: others go on to be heard.
  for (const first of letters) await ask(bob.socket, 'message:send', { cafeId, content: [...letters].flatMap(second => [...letters.slice(0, 4)].map(third => `${first}${second}${third}x`)).slice(0, 100).join(' ') })
  await ask(bob.socket, 'message:send', { cafeId, content: 'espresso' })
  await until('two outrank one who says a thousand words', () => updates(ann.socket).at(-1)?.[0] === 'espresso' && updates(ann.socket).at(-1)!.length === 10)
  const { topics } = await call<CafeTopics>(there, 'GET', `/api/chat/topics/${cafeId}?limit=100`, { token: ann.token })
  t.equal(topics.length, 50, 'TOPIC_MAX_TOPICS')
  t.equal(topics[0], 'espresso')
})

t.test('an ack waits for no topic', async t => {
  const redis = await startRedis(t)
  const proxy = await startProxy(t, redis.url)
  const node = await listen(t, { CHAT_LIMITS: 'off', REDIS_URL: proxy.url, PRESENCE_HEARTBEAT: '60000', PRESENCE_LEASE: '300000', REDIS_CANARY: '60000' })
  const { data: [looking] } = await openClients(t, redis.url)
  const { id: cafeId } = await found(node)
  const ann = await visit(t, node, 'ann', cafeId)
  await ask(ann.socket, 'message:send', { cafeId, content: 'cortado' })
  await until('a first one is told', () => updates(ann.socket).length === 1)
  // Redis has the scripts then, and nothing is on its way.
  for (let seen = -1; seen !== proxy.answers(); await wait(700)) seen = proxy.answers()
  proxy.hold()
  await ask(ann.socket, 'message:send', { cafeId, content: 'espresso' })
  // Redis has answered nothing, and nobody has given up waiting for it.
  const { body } = await node.inject('/metrics')
  t.notMatch(body, 'chat_hot_state_failures_total{part="topics"}')
  await until('it is counted afterwards', async () => {
    proxy.release()
    return await looking!.zscore(`cafe:${cafeId}:topics`, 'espresso') !== null
  })
})

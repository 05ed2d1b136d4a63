import t from 'tap'
import type { CafeTopics } from '../../../schemas/topics.ts'
import { type Client, ask, call, heard, until } from '../../support/sockets.ts'
import { createShapes, found, listenTwice, redisOf, visit, wait } from './cast.ts'

const { onBoth, app, one, two } = await createShapes(t, { CHAT_LIMITS: 'off' })
const updates = (socket: Client) => heard(socket, 'topics:update').map(({ topics }) => topics)

await onBoth('what a cafe talks about', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const read = async (limit = 10) => (await call<CafeTopics>(there, 'GET', `/api/chat/topics/${cafeId}?limit=${limit}`, { token: bob.token })).topics
  const say = (who: typeof ann, content: string) => ask(who.socket, 'message:send', { cafeId, content })

  await say(ann, '☕🥐 ☕ !!! 12345')
  await say(ann, 'See https://klatsch.example/menu, that is what they have')
  await say(ann, 'コーヒーをください')
  await say(ann, 'قهوة')
  const first = await say(ann, 'a croissant')
  const { message } = await say(ann, 'croissant, croissant! croissant?')
  await say(bob, 'قهوة')
  await until('two people outrank one, however often', async () => (await read()).length === 3 && (await read())[0] === 'قهوة')
  t.same(new Set(await read()), new Set(['قهوة', 'コーヒー', 'croissant']), 'any script; no emoji, number, link or stop word')
  for (const { socket } of [ann, bob]) await until('all members hear it', () => updates(socket).at(-1)?.length === 3)
  t.same((await read(1)), ['قهوة'])
  t.match(heard(bob.socket, 'topics:update')[0], { cafeId, topics: Array })

  await ask(ann.socket, 'message:delete', { messageId: message.id })
  await ask(ann.socket, 'message:delete', { messageId: first.message.id })
  await until('her words are gone with her messages', () => [ann, bob].every(({ socket }) => updates(socket).at(-1)?.join() === 'قهوة,コーヒー'))
})

t.test('updates come at most once a second, and only when the list changed', async t => {
  const [here, there] = [one, two]
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const times: number[] = []
  ann.socket.on('topics:update', () => { times.push(performance.now()) })
  const words = ['espresso', 'cortado', 'macchiato', 'cappuccino', 'americano', 'ristretto', 'affogato', 'lungo']
  for (const [index, word] of words.entries()) {
    await ask((index % 2 === 0 ? ann : bob).socket, 'message:send', { cafeId, content: word })
    await wait(180)
  }
  await until('the last word is told', () => words.every(word => updates(ann.socket).at(-1)?.includes(word)))
  await until('the same on both sides', () => updates(bob.socket).at(-1)?.join() === updates(ann.socket).at(-1)?.join())
  for (let index = 1; index < times.length; index++) t.ok(times[index]! - times[index - 1]! > 900, `${Math.round(times[index]! - times[index - 1]!)} ms after the one before`)
  t.ok(times.length >= 2 && times.length <= 4, `${times.length} updates for ${words.length} words`)

  const before = updates(ann.socket).length
  await ask(ann.socket, 'message:send', { cafeId, content: 'and what if not' })
  await ask(ann.socket, 'message:send', { cafeId, content: updates(ann.socket).at(-1)![0]! })
  await wait(1200)
  t.equal(updates(ann.socket).length, before, 'the same list is no news')
})

t.test('words fade', async t => {
  const { one: here, two: there } = await listenTwice(t, { TOPIC_EXPIRY_SECONDS: '1' })
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  await ask(ann.socket, 'message:send', { cafeId, content: 'espresso' })
  await until('it is told', () => updates(ann.socket).length === 1)
  await until('and that it faded, without a word from anybody', () => updates(ann.socket).length === 2)
  t.same(updates(ann.socket), [['espresso'], []])
  await until('everywhere', () => updates(bob.socket).at(-1)?.length === 0)
  await until('Redis forgets it too', async () => await redisOf(here).exists(`cafe:${cafeId}:topics`) === 0)
})

t.test('ten are shown', async t => {
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  const words = Array.from({ length: 12 }, (_, n) => `${'abcdefghijkl'[n]}presso`)
  await ask(ann.socket, 'message:send', { cafeId, content: words.join(' ') })
  await until('ten of twelve', () => updates(ann.socket).at(-1)?.length === 10)
  const all = await call<CafeTopics>(app, 'GET', `/api/chat/topics/${cafeId}?limit=50`, { token: ann.token })
  t.equal(all.topics.length, 12, 'who asks for more gets more')
})

import assert from 'node:assert/strict'
import t from 'tap'
import type { BlackBox } from './black-box.ts'
import { arrive, enter, eventually, rest, say, type ChatMessage } from './cast.ts'
import { compare, startPair } from './compare.ts'

const pair = await startPair(t)
// Whoever joins here comes to a process that has not seen the messages pass, and so depends on the cache.
const cold = {
  literal: await pair.literal.sibling(),
  klatsch: await pair.klatsch.sibling()
}
const coldOf = (server: BlackBox) => server === pair.literal ? cold.literal : cold.klatsch

t.test('a cache that is filled again keeps the order', async t => {
  await compare(t, pair, /not newest first/, checkFillOrder)
})

t.test('many who fill it at once fill it once', async t => {
  await compare(t, pair, /3 messages show as \d+/, checkConcurrentFills)
})

t.test('a list that lost its past does not pass for the whole', async t => {
  await compare(t, pair, /1 of 5 messages/, checkShortList)
})

t.test('the text of a deleted message leaves the cache', async t => {
  await compare(t, pair, /deleted text is still/, checkDeletedText)
})

t.test('a cached message has the fields of every other message', async t => {
  await compare(t, pair, /cached message lacks cafeId, userId, username, createdAt\b/, checkFields('cached'))
})

t.test('a live message has the fields of every other message', async t => {
  await compare(t, pair, /live message lacks cafeId, userId, username, createdAt\b/, checkFields('live'))
})

const listOf = (cafeId: string) => `cafe:${cafeId}:messages`

/** What the Redis list holds; nothing is right too, because a cache may be absent. */
async function readList (server: BlackBox, cafeId: string): Promise<string[]> {
  const entries = await server.redis.lrange(listOf(cafeId), 0, -1)
  return entries.map(entry => (JSON.parse(entry) as ChatMessage).content)
}

/** A cafe in which three messages were sent, and whose cache is gone. */
async function prepareColdCafe (server: BlackBox): Promise<string> {
  const cafeId = await server.cafe()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  for (const content of ['one', 'two', 'three']) await say(ann, cafeId, content)
  await eventually(2_000, async () => assert.equal(await server.redis.exists(listOf(cafeId)), 1))
  await server.redis.del(listOf(cafeId))
  return cafeId
}

async function checkFillOrder (server: BlackBox): Promise<void> {
  const cafeId = await prepareColdCafe(server)
  const newestFirst = ['three', 'two', 'one']
  for (const username of ['bob', 'cleo']) {
    const { history } = await arrive(coldOf(server), username, cafeId)
    assert.deepEqual(history.map(({ content }) => content), newestFirst, `the history of ${username} is not newest first`)
  }
  const list = await readList(server, cafeId)
  if (list.length > 0) assert.deepEqual(list, newestFirst, 'the list in Redis is not newest first')
}

async function checkConcurrentFills (server: BlackBox): Promise<void> {
  const cafeId = await prepareColdCafe(server)
  const lobby = await coldOf(server).cafe()
  const crowd = await Promise.all(Array.from({ length: 8 }, (_, n) => arrive(coldOf(server), `guest${n}`, lobby)))
  // All of them find the cache empty before one of them has read the database.
  const holder = await server.pg.connect()
  await holder.query('BEGIN')
  await holder.query('LOCK TABLE messages')
  const entered = Promise.all(crowd.map(({ client }) => enter(client, cafeId)))
  await new Promise(resolve => { setTimeout(resolve, 400) })
  await holder.query('COMMIT')
  holder.release()
  await entered
  const { history } = await arrive(coldOf(server), 'bob', cafeId)
  assert.equal(history.length, 3, `3 messages show as ${history.length}`)
  const list = await readList(server, cafeId)
  assert.equal(new Set(list).size, list.length, 'the list in Redis holds twins')
}

async function checkShortList (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  for (const content of ['one', 'two', 'three', 'four']) await say(ann, cafeId, content)
  await server.redis.flushall()
  await say(ann, cafeId, 'five')
  await eventually(2_000, async () => assert.ok(await server.redis.exists(listOf(cafeId)), 'the cache was not written'))
  const { history } = await arrive(coldOf(server), 'bob', cafeId)
  assert.equal(history.length, 5, `the history shows ${history.length} of 5 messages`)
}

async function checkDeletedText (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person: author, client: ann } = await arrive(server, 'ann', cafeId)
  const { id } = await say(ann, cafeId, 'the secret recipe')
  const { status } = await rest(server, author, 'DELETE', `messages/${id}`)
  if (status !== 200) throw new Error(`delete: ${status}`)
  const { history } = await arrive(coldOf(server), 'bob', cafeId)
  assert.ok(history.every(({ content }) => content !== 'the secret recipe'), 'the deleted text is still in the history')
  await eventually(2_000, async () => {
    assert.ok(!(await readList(server, cafeId)).includes('the secret recipe'), 'the deleted text is still in Redis')
  })
}

function checkFields (which: 'cached' | 'live') {
  return async function check (server: BlackBox): Promise<void> {
    const cafeId = await server.cafe()
    const { client: ann } = await arrive(server, 'ann', cafeId)
    const live = await say(ann, cafeId, 'hello')
    const { history } = await arrive(coldOf(server), 'bob', cafeId)
    const message = which === 'live' ? live : history[0]
    if (message === undefined) throw new Error('the history is empty')
    const missing = ['id', 'cafeId', 'userId', 'username', 'content', 'createdAt', 'deleted'].filter(field => !(field in message))
    assert.equal(missing.length, 0, `the ${which} message lacks ${missing.join(', ')}`)
  }
}

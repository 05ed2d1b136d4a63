import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { BlackBox } from './black-box.ts'
import { arrive, heard, read, rest, say, type ChatMessage } from './cast.ts'
import { compare, startPair } from './compare.ts'

const pair = await startPair(t)

t.test('who is not in a cafe cannot show typing in it', async t => {
  await compare(t, pair, /typing of an outsider was shown/, checkOutsiderTypes)
})

t.test('who is not in a cafe cannot send to it', async t => {
  await compare(t, pair, /message of an outsider was delivered/, checkOutsiderSends)
})

t.test('a message may be deleted by its author only', async t => {
  await compare(t, pair, /a stranger's delete was answered by 200/, checkStrangerDeletes)
})

t.test('CHAT_MESSAGE_MAX_LENGTH is enforced', async t => {
  await compare(t, pair, /501 characters were delivered/, checkTooLong)
})

t.test('typing that goes on is shown until it ceases', async t => {
  await compare(t, pair, /typing was shown as over .* after it went on/, checkTypingGoesOn)
})

async function checkOutsiderTypes (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  const { client: outsider } = await arrive(server, 'mallory', await server.cafe())
  const answer = Promise.race([
    heard(ann, 'typing:indicator', 2_000).then(shown => shown && 'shown'),
    heard(outsider, 'error', 2_000).then(refused => refused && 'refused')
  ])
  outsider.emit('typing:start', { cafeId })
  assert.notEqual(await answer, 'shown', 'the typing of an outsider was shown')
  assert.equal(await answer, 'refused', 'the typing of an outsider was not answered')
}

async function checkOutsiderSends (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person, client: ann } = await arrive(server, 'ann', cafeId)
  const { client: outsider } = await arrive(server, 'mallory', await server.cafe())
  const answer = Promise.race([
    heard(ann, 'message:new', 2_000).then(delivered => delivered && 'delivered'),
    heard(outsider, 'error', 2_000).then(refused => refused && 'refused')
  ])
  outsider.emit('message:send', { cafeId, content: 'buy my beans' })
  assert.notEqual(await answer, 'delivered', 'the message of an outsider was delivered')
  assert.equal(await answer, 'refused', 'the message of an outsider was not answered')
  const { total } = await read<{ total: number }>(server, person, `messages/${cafeId}`)
  assert.equal(total, 0, 'the message of an outsider was stored')
}

async function checkStrangerDeletes (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  const { person: stranger } = await arrive(server, 'mallory', cafeId)
  const { id, content } = await say(ann, cafeId, 'mine')
  const { status } = await rest(server, stranger, 'DELETE', `messages/${id}`)
  assert.equal(status, 403, `a stranger's delete was answered by ${status}`)
  const { messages } = await read<{ messages: ChatMessage[] }>(server, stranger, `messages/${cafeId}`)
  assert.deepEqual(messages.map(message => message.content), [content])
}

async function checkTooLong (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person, client: ann } = await arrive(server, 'ann', cafeId)
  await say(ann, cafeId, 'x'.repeat(500))
  const answer = Promise.race([
    heard(ann, 'message:new', 2_000).then(delivered => delivered && 'delivered'),
    heard(ann, 'error', 2_000).then(refused => refused && 'refused')
  ])
  ann.emit('message:send', { cafeId, content: 'y'.repeat(501) })
  assert.notEqual(await answer, 'delivered', '501 characters were delivered')
  assert.equal(await answer, 'refused', '501 characters were not answered')
  const { total } = await read<{ total: number }>(server, person, `messages/${cafeId}`)
  assert.equal(total, 1, '501 characters were stored')
}

/** With the default CHAT_TYPING_TIMEOUT of 3 seconds: the second start after 2 seconds holds until the fifth. */
async function checkTypingGoesOn (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  const { client: bob } = await arrive(server, 'bob', cafeId)
  const shown = heard(bob, 'typing:indicator', 2_000, ({ isTyping }) => isTyping)
  ann.emit('typing:start', { cafeId })
  if (await shown === undefined) throw new Error('typing was not shown')

  const over = heard(bob, 'typing:indicator', 8_000, ({ isTyping }) => !isTyping).then(indicator => indicator && performance.now())
  await sleep(2_000)
  const wentOn = performance.now()
  ann.emit('typing:start', { cafeId })
  const end = await over
  assert.ok(end !== undefined, 'typing was never shown as over')
  assert.ok(end - wentOn > 2_500, `typing was shown as over ${Math.round(end - wentOn)} ms after it went on`)
}

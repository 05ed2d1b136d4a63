import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { BlackBox } from './black-box.ts'
import { arrive, enter, eventually, heard, read, say } from './cast.ts'
import { compare, startPair } from './compare.ts'

const pair = await startPair(t)

t.test('an event sent right after connect is served', async t => {
  await compare(t, pair, /right after connect was lost/, checkEarlyEvent)
})

t.test('the connection is confirmed', async t => {
  await compare(t, pair, /connected never came/, checkConnected)
})

t.test('the joiner learns how many are there', async t => {
  await compare(t, pair, /did not hear the count/, checkJoinerCount)
})

t.test('presence:update changes the status', async t => {
  await compare(t, pair, /status is still online/, checkStatus)
})

t.test('members hear the topics', async t => {
  await compare(t, pair, /topics:update never came/, checkTopicsHeard)
})

t.test('a refused event is answered by error', async t => {
  await compare(t, pair, /error never came/, checkErrorHeard)
})

// Last, because the literal server does not outlive it.
t.test('events without payload do not end the process', async t => {
  await compare(t, pair, /the process ended/, checkMissingPayload)
})

/** Authentication is slowed by a lock, so that the outcome does not depend on how fast the machine is. */
async function checkEarlyEvent (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const ann = await server.person('ann')
  const lock = await server.pg.connect()
  let history
  try {
    await lock.query('begin')
    await lock.query('lock table users in access exclusive mode')
    const client = server.connect(ann)
    client.on('connect', () => client.emit('join:cafe', { cafeId }))
    history = heard(client, 'message:history', 3_000)
    // A server that authenticates first does not connect anybody while the lock is held.
    await Promise.race([new Promise(resolve => client.once('connect', () => resolve(undefined))), sleep(800)])
    await sleep(100)
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  assert.ok(await history, 'a join right after connect was lost')
}

async function checkConnected (server: BlackBox): Promise<void> {
  const ann = await server.person('ann')
  const connected = await heard(server.connect(ann), 'connected', 3_000)
  assert.ok(connected, 'connected never came')
  assert.equal(connected.userId, ann.id)
}

async function checkJoinerCount (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  await arrive(server, 'bob', cafeId)
  const ann = server.connect(await server.person('ann'))
  const update = heard(ann, 'users:update', 2_000, ({ userCount }) => userCount === 2)
  await enter(ann, cafeId)
  assert.ok(await update, 'who joined did not hear the count')
}

async function checkStatus (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person: ann, client } = await arrive(server, 'ann', cafeId)
  client.emit('presence:update', { status: 'away' })
  await eventually(2_000, async () => {
    const { users } = await read<{ users: Array<{ id: string, status: string }> }>(server, ann, `presence/${cafeId}`)
    const status = users.find(({ id }) => id === ann.id)?.status
    assert.equal(status, 'away', `after presence:update away the status is still ${status}`)
  })
}

async function checkTopicsHeard (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { client: ann } = await arrive(server, 'ann', cafeId)
  const update = heard(ann, 'topics:update', 3_000, ({ topics }) => topics.includes('espresso'))
  await say(ann, cafeId, 'espresso')
  assert.ok(await update, 'topics:update never came')
}

async function checkErrorHeard (server: BlackBox): Promise<void> {
  const { client: ann } = await arrive(server, 'ann', await server.cafe())
  const elsewhere = await server.cafe()
  const error = heard(ann, 'error', 2_000)
  ann.emit('typing:start', { cafeId: elsewhere })
  const answer = await error
  assert.ok(answer, 'error never came')
  assert.equal(typeof answer.code, 'string')
  assert.equal(typeof answer.message, 'string')
}

async function checkMissingPayload (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person: ann, client } = await arrive(server, 'ann', cafeId)
  for (const event of ['join:cafe', 'leave:cafe', 'message:send', 'typing:start', 'typing:stop', 'presence:update']) client.emit(event)
  await sleep(1_500)
  assert.equal(server.exited(), undefined, 'the process ended after events without payload')
  const { userCount } = await read<{ userCount: number }>(server, ann, `presence/${cafeId}`)
  assert.equal(userCount, 1, 'who sent events without payload is not in the cafe any more')
}

import assert from 'node:assert/strict'
import t from 'tap'
import type { BlackBox } from './black-box.ts'
import { arrive, eventually, heard, read } from './cast.ts'
import { compare, startPair } from './compare.ts'

const pair = await startPair(t)
// A client that hears nothing for this long takes its message for lost.
const patience = 2_500

t.test('a Redis that dies after the commit does not make a message two', async t => {
  await compare(t, pair, /written 2 times/, checkRedisDiesAfterCommit)
})

/** A lock holds the message between the checks that need Redis and the commit; there Redis dies. */
async function checkRedisDiesAfterCommit (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person, client: ann } = await arrive(server, 'ann', cafeId)
  const send = { cafeId, content: 'one espresso', clientId: 'order-1' }
  const ids = new Set<string>()
  ann.on('message:new', ({ message }) => { if (message.content === send.content) ids.add(message.id) })

  const lock = await server.pg.connect()
  let answered
  try {
    await lock.query('begin')
    await lock.query('lock table messages in share mode')
    ann.emit('message:send', send)
    await waitForInsert(server)
    server.redisServer.kill('SIGKILL')
    await server.redisServer.stop()
    answered = heard(ann, 'message:new', patience, ({ message }) => message.content === send.content)
  } finally {
    await lock.query('rollback')
    lock.release()
  }
  const answer = await answered
  if (answer === undefined) ann.emit('message:send', send)
  await server.redisServer.restart()
  if (answer === undefined) await eventually(15_000, async () => assert.equal(ids.size, 2, 'the retry was not heard'))

  const { total } = await read<{ total: number }>(server, person, `messages/${cafeId}`)
  assert.equal(total, 1, `one message was written ${total} times`)
  assert.ok(answer, 'the sender of a committed message heard nothing while Redis was away')
}

/** Resolves when somebody waits for the lock on messages. */
async function waitForInsert (server: BlackBox): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { rowCount } = await server.pg.query("select 1 from pg_locks where relation = 'messages'::regclass and not granted")
    if (rowCount !== 0) return
  }
  throw new Error('the message did not reach the database')
}

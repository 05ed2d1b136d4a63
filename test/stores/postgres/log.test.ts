import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import type { Appended } from '../../../services/ports.ts'
import { createDurable } from '../../../stores/postgres/index.ts'
import { checkLog, setUp } from './cast.ts'

const messageOf = (appended: Appended) => {
  if (appended.outcome !== 'created' && appended.outcome !== 'duplicate') throw new Error(`not stored: ${appended.outcome}`)
  return appended.message
}

t.test('sends are numbered without holes, also those that share a commit', async t => {
  const { log, draft, pool, cafe } = await setUp(t)
  const appended = await Promise.all(Array.from({ length: 100 }, (_, index) => log.append(draft(`message ${index}`))))
  t.same(appended.map(one => messageOf(one).seq), Array.from({ length: 100 }, (_, index) => index + 1), 'in the order they were sent')
  t.same((await log.heads([cafe.id])).get(cafe.id), { seq: 100, rev: 100, minRev: 0 })
  await checkLog(t, pool)
})

t.test('a stored message is whole', async t => {
  const { log, draft, cafe, ann } = await setUp(t)
  const message = messageOf(await log.append(draft('Grüße ☕', { clientId: 'a' })))
  const { id, createdAt, ...rest } = message
  t.same(rest, { cafeId: cafe.id, userId: ann.id, username: 'ann', content: 'Grüße ☕', deleted: false, seq: 1, rev: 1, clientId: 'a' })
  t.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(await log.page(cafe.id, { limit: 10 }), { head: { seq: 1, rev: 1, minRev: 0 }, messages: [message] }, 'and reads back the same')
})

t.test('one clientId is one message, whoever retries and however', async t => {
  const { log, draft, pool, url } = await setUp(t)
  const second = new pg.Pool({ connectionString: url })
  t.teardown(() => second.end())
  const other = createDurable(second, { sendQueue: 100 }).log
  const appended = await Promise.all(Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? log : other).append(draft('once', { clientId: 'same' }))))
  t.equal(appended.filter(one => one.outcome === 'created').length, 1)
  t.equal(appended.filter(one => one.outcome === 'duplicate').length, 49)
  t.equal(new Set(appended.map(one => JSON.stringify(messageOf(one)))).size, 1, 'all answers are the same message')
  t.same(await log.append(draft('other', { clientId: 'same' })), { outcome: 'conflict' })
  await checkLog(t, pool)
})

t.test('twins in one batch with different content conflict', async t => {
  const { log, draft, pool } = await setUp(t)
  const [first, second, third] = await Promise.all([
    log.append(draft('a', { clientId: 'x' })), log.append(draft('b', { clientId: 'x' })), log.append(draft('a', { clientId: 'x' }))
  ])
  t.same([first!.outcome, second!.outcome, third!.outcome], ['created', 'conflict', 'duplicate'])
  await checkLog(t, pool)
})

t.test('a bad draft fails alone', async t => {
  const { log, draft, pool } = await setUp(t)
  const results = await Promise.allSettled([
    log.append(draft('good')), log.append(draft('x'.repeat(4001))), log.append(draft('also good')),
    log.append(draft('nowhere', { cafeId: randomUUID() })), log.append(draft('nobody', { userId: randomUUID() }))
  ])
  t.same(results.map(result => result.status === 'fulfilled' ? result.value.outcome : (result.reason as pg.DatabaseError).constraint),
    ['created', 'messages_content_length', 'created', 'no-cafe', 'no-user'])
  await checkLog(t, pool)
})

t.test('a locked cafe delays itself only, and keeps its order', async t => {
  const { log, draft, pool, cafes, cafe } = await setUp(t)
  const quiet = await cafes.create('Quiet Corner')
  const holder = await pool.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM cafe_heads WHERE cafe_id = $1 FOR UPDATE', [cafe.id])
  let released = false
  const locked = Array.from({ length: 5 }, (_, index) => log.append(draft(`waits ${index}`)).then(one => ({ one, released })))
  const free = await log.append(draft('passes', { cafeId: quiet.id }))
  t.equal(free.outcome, 'created')
  const later = log.append(draft('waits too')).then(one => ({ one, released }))
  t.equal((await log.append(draft('passes too', { cafeId: quiet.id }))).outcome, 'created')
  released = true
  await holder.query('COMMIT')
  holder.release()
  const answers = await Promise.all([...locked, later])
  t.ok(answers.every(answer => answer.released), 'nobody was answered before the lock was gone')
  t.same(answers.map(answer => messageOf(answer.one).content), ['waits 0', 'waits 1', 'waits 2', 'waits 3', 'waits 4', 'waits too'])
  t.same(answers.map(answer => messageOf(answer.one).seq), [1, 2, 3, 4, 5, 6])
  await checkLog(t, pool)
})

t.test('a full queue refuses', async t => {
  const { log, draft } = await setUp(t, { sendQueue: 2 })
  const results = await Promise.allSettled([log.append(draft('1')), log.append(draft('2')), log.append(draft('3'))])
  t.same(results.map(result => result.status), ['fulfilled', 'fulfilled', 'rejected'])
  t.equal((results[2] as PromiseRejectedResult).reason.code, 'CHAT_UNAVAILABLE')
})

t.test('deleting leaves a tombstone and a change', async t => {
  const { log, draft, pool, ann, cafe } = await setUp(t)
  const message = messageOf(await log.append(draft('regretted', { clientId: 'r' })))
  await log.append(draft('after'))
  t.same(await log.remove(message.id, { userId: randomUUID(), anyone: false }), { outcome: 'forbidden' })
  t.same(await log.remove(randomUUID(), { userId: ann.id, anyone: false }), { outcome: 'no-message' })
  const removed = await log.remove(message.id, { userId: ann.id, anyone: false })
  if (removed.outcome !== 'deleted') return t.fail(removed.outcome)
  t.equal(removed.content, 'regretted')
  t.match(removed.change, { rev: 3, kind: 'deleted', message: { id: message.id, seq: 1, rev: 3, content: '', deleted: true, createdAt: message.createdAt } })
  t.match(await log.remove(message.id, { userId: ann.id, anyone: false }), { outcome: 'already', message: { rev: 3 } })
  t.match(await log.append(draft('regretted', { clientId: 'r' })), { outcome: 'duplicate', message: { deleted: true, content: '', rev: 3 } }, 'a retry finds the tombstone')
  t.same((await log.page(cafe.id, { limit: 10 }))!.messages.map(({ content }) => content), ['after', ''])
  await checkLog(t, pool)
})

t.test('changes come in order and without a hole, whatever has happened since', async t => {
  const { log, draft, ann, cafe } = await setUp(t)
  const first = messageOf(await log.append(draft('1')))
  await log.append(draft('2'))
  await log.remove(first.id, { userId: ann.id, anyone: true })
  await log.append(draft('3'))
  const changes = await log.changes(cafe.id, 0, 100)
  t.same(changes.map(({ rev, kind, message }) => [rev, kind, message.seq, message.deleted]), [
    [1, 'created', 1, true], [2, 'created', 2, false], [3, 'deleted', 1, true], [4, 'created', 3, false]
  ])
  t.same((await log.changes(cafe.id, 1, 2)).map(({ rev }) => rev), [2, 3], 'a window of revs')
  t.same((await log.changedSince(cafe.id, 2, 10))!.messages.map(({ seq }) => seq), [3, 1], 'each message once, newest first')
  t.equal(await log.changedSince(randomUUID(), 2, 10), undefined)
  t.equal(await log.page(randomUUID(), { limit: 1 }), undefined)
})

t.test('pages by every kind of position', async t => {
  const { log, draft, cafe } = await setUp(t)
  await Promise.all(Array.from({ length: 10 }, (_, index) => log.append(draft(`${index + 1}`))))
  const seqs = async (range: object) => (await log.page(cafe.id, { limit: 3, ...range }))!.messages.map(({ seq }) => seq)
  t.same(await seqs({}), [10, 9, 8])
  t.same(await seqs({ offset: 2 }), [8, 7, 6])
  t.same(await seqs({ offset: 9 }), [1])
  t.same(await seqs({ offset: 10 }), [])
  t.same(await seqs({ offset: Number.MAX_SAFE_INTEGER }), [])
  t.same(await seqs({ before: 4 }), [3, 2, 1])
  t.same(await seqs({ before: 1 }), [])
  t.same(await seqs({ before: 99 }), [10, 9, 8])
  t.same(await seqs({ after: 4 }), [7, 6, 5])
  t.same(await seqs({ after: 9 }), [10])
  t.same(await seqs({ after: 10 }), [])
  t.same(await seqs({ around: 5 }), [6, 5, 4])
  t.same(await seqs({ around: 1 }), [3, 2, 1])
  t.same(await seqs({ around: 10 }), [10, 9, 8])
  t.same((await log.page((cafe.id), { limit: 3, offset: 20 }))!.head.seq, 10, 'an empty page knows the head')
})

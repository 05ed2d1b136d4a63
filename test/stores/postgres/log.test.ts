import { randomUUID } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import type { Appended } from '../../../services/ports.ts'
import { createDurable } from '../../../stores/postgres/index.ts'
import { ample, checkLog, setUp } from './cast.ts'

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
  const other = createDurable(second, ample).log
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

t.test('an edit is a change; the same text again is none', async t => {
  const { log, draft, pool, ann, cafe } = await setUp(t)
  const message = messageOf(await log.append(draft('tpyo', { clientId: 'e' })))
  await log.append(draft('after'))

  const edited = await log.edit(message.id, ann.id, 'typo')
  if (edited.outcome !== 'edited') return t.fail(edited.outcome)
  t.equal(edited.content, 'tpyo', 'what it said before')
  const { editedAt, ...rest } = edited.change.message
  t.same(rest, { ...message, content: 'typo', rev: 3 }, 'all but text and rev stays')
  t.match(editedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.match(edited.change, { rev: 3, kind: 'updated' })
  t.same(await log.edit(message.id, ann.id, 'typo'), { outcome: 'same', message: edited.change.message }, 'no rev is taken')
  t.same((await log.heads([cafe.id])).get(cafe.id), { seq: 2, rev: 3, minRev: 0 })

  t.same(await log.append(draft('tpyo', { clientId: 'e' })), { outcome: 'duplicate', message: edited.change.message }, 'a retry gives it as it is now')
  t.same(await log.find(draft('tpyo', { clientId: 'e' })), { outcome: 'duplicate', message: edited.change.message })
  t.same(await log.append(draft('typo', { clientId: 'e' })), { outcome: 'conflict' }, 'what counts is what was sent')
  t.same(await log.find(draft('typo', { clientId: 'e' })), { outcome: 'conflict' })
  t.equal(await log.find(draft('tpyo', { clientId: 'other' })), undefined)
  t.equal(await log.find(draft('tpyo')), undefined, 'without a clientId nothing is an earlier send')
  await checkLog(t, pool)
})

t.test('an edit that may not be leaves no trace', async t => {
  const { log, draft, pool, ann, cafe } = await setUp(t)
  const message = messageOf(await log.append(draft('mine')))
  t.same(await log.edit(message.id, randomUUID(), 'theirs'), { outcome: 'forbidden' })
  t.same(await log.edit(randomUUID(), ann.id, 'nowhere'), { outcome: 'no-message' })
  await t.rejects(log.edit(message.id, ann.id, 'x'.repeat(4001)), { code: '23514' })
  await log.remove(message.id, { userId: ann.id, anyone: false })
  t.same(await log.edit(message.id, ann.id, 'back'), { outcome: 'no-message' }, 'a tombstone stays one')
  t.same(await log.edit(message.id, randomUUID(), 'back'), { outcome: 'no-message' }, 'for everybody')
  t.match((await log.page(cafe.id, { limit: 1 }))!, { head: { rev: 2 }, messages: [{ deleted: true, content: '' }] })
  await checkLog(t, pool)
})

t.test('edits and a deletion at the same time: one order, the deletion ends it', async t => {
  const { log, draft, pool, ann, cafe } = await setUp(t)
  const message = messageOf(await log.append(draft('start')))
  const edit = (index: number) => log.edit(message.id, ann.id, `edit ${index}`)
  const early = Array.from({ length: 6 }, (_, index) => edit(index))
  const removing = log.remove(message.id, { userId: ann.id, anyone: false })
  const late = Array.from({ length: 6 }, (_, index) => edit(6 + index))
  await Promise.all(Array.from({ length: 4 }, (_, index) => log.append(draft(`between ${index}`))))
  const edits = await Promise.all([...early, ...late])
  const removed = await removing
  if (removed.outcome !== 'deleted') return t.fail(removed.outcome)
  const done = edits.flatMap(one => one.outcome === 'edited' ? [one.change] : [])
  t.equal(done.length + edits.filter(one => one.outcome === 'no-message').length, 12, 'each was done or came too late')
  t.ok(done.every(({ rev }) => rev < removed.change.rev), 'none after the deletion')
  const last = done.toSorted((a, b) => a.rev - b.rev).at(-1)
  t.equal(removed.content, last?.message.content ?? 'start', 'what was deleted is the last edit')
  t.equal((await log.heads([cafe.id])).get(cafe.id)!.rev, 1 + 4 + done.length + 1)
  await checkLog(t, pool)
})

t.test('the same edit many times at once is one change', async t => {
  const { log, draft, pool, ann } = await setUp(t)
  const message = messageOf(await log.append(draft('before')))
  const edits = await Promise.all(Array.from({ length: 10 }, () => log.edit(message.id, ann.id, 'after')))
  t.same(edits.map(({ outcome }) => outcome).toSorted(), ['edited', ...Array<string>(9).fill('same')])
  await checkLog(t, pool)
})

t.test('changes with edits: each step once, messages in their present state', async t => {
  const { log, draft, ann, cafe, pool } = await setUp(t)
  const one = messageOf(await log.append(draft('1')))
  const two = messageOf(await log.append(draft('2')))
  await log.edit(one.id, ann.id, '1a')
  await log.edit(two.id, ann.id, '2a')
  await log.edit(one.id, ann.id, '1b')
  await log.remove(two.id, { userId: ann.id, anyone: false })
  t.same((await log.changes(cafe.id, 0, 100)).map(({ rev, kind, message }) => [rev, kind, message.seq, message.rev, message.content]), [
    [1, 'created', 1, 5, '1b'], [2, 'created', 2, 6, ''], [3, 'updated', 1, 5, '1b'], [4, 'updated', 2, 6, ''], [5, 'updated', 1, 5, '1b'], [6, 'deleted', 2, 6, '']
  ])
  t.same((await log.changes(cafe.id, 2, 3)).map(({ rev }) => rev), [3, 4, 5], 'a window of revs')
  const since = async (rev: number) => (await log.changedSince(cafe.id, rev, 10))!.messages.map(({ seq, rev }) => [seq, rev])
  t.same(await since(0), [[2, 6], [1, 5]])
  t.same(await since(4), [[2, 6], [1, 5]], 'each message once, whatever number of edits')
  t.same(await since(5), [[2, 6]])
  t.same(await since(6), [])
  await checkLog(t, pool)
})

t.test('a send finds what it looks for by an index, though it was planned when the tables were empty', async t => {
  const { log, draft, pool } = await setUp(t, { pool: { max: 1 } })
  const scans = async () => {
    await pool.query('SELECT pg_stat_force_next_flush()')
    const { rows } = await pool.query<{ relname: string, seq_scan: string }>('SELECT relname, seq_scan FROM pg_stat_user_tables')
    return Object.fromEntries(rows.map(({ relname, seq_scan: count }) => [relname, Number(count)]))
  }
  await log.append(draft('planned'))
  await pool.query("INSERT INTO users (username) SELECT 'user ' || n FROM generate_series(1, 5000) n")
  const before = await scans()
  for (let count = 0; count < 10; count++) await log.append(draft(`message ${count}`, { clientId: `send ${count}` }))
  t.match(await log.append(draft('message 3', { clientId: 'send 3' })), { outcome: 'duplicate' })
  t.match(await log.append(draft('lost', { cafeId: randomUUID() })), { outcome: 'no-cafe' })
  t.match(await log.append(draft('lost', { userId: randomUUID() })), { outcome: 'no-user' })
  t.same(await scans(), before)
})

import t from 'tap'
import type { ErrorBody } from '../../../schemas/errors.ts'
import type { Message, MessagePage, SendReply } from '../../../schemas/messages.ts'
import { build } from '../../support/build.ts'
import { type Caller, enter, open, unknownId } from './client.ts'

/** Sends numbered messages one after the other. */
async function talk (who: Caller, cafeId: string, count: number, from = 1): Promise<Message[]> {
  const sent: Message[] = []
  for (let number = from; number < from + count; number++) {
    const response = await who.post(`/api/chat/messages/${cafeId}`, { content: `message ${number}` })
    sent.push(response.json<SendReply>().message)
  }
  return sent
}

const seqs = (page: MessagePage) => page.messages.map(message => message.seq)

t.test('GET: the shape of the specification, and what is beside it', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  await ann.post(`/api/chat/messages/${cafe.id}`, { content: 'Hello everyone!' })

  const response = await ann.get(`/api/chat/messages/${cafe.id}`)
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  const page = response.json<MessagePage>()
  t.match(page, { total: 1, limit: 50, offset: 0, rev: 1, hasBefore: false, hasAfter: false })
  t.strictSame(Object.keys(page).toSorted(), ['hasAfter', 'hasBefore', 'limit', 'messages', 'offset', 'rev', 'total'])
  const [message] = page.messages
  t.strictSame(Object.keys(message!).toSorted(), ['cafeId', 'content', 'createdAt', 'deleted', 'id', 'rev', 'seq', 'userId', 'username'])
  t.match(message, {
    id: /^[0-9a-f-]{36}$/,
    cafeId: cafe.id,
    userId: ann.user.id,
    username: 'ann',
    content: 'Hello everyone!',
    createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    deleted: false,
    seq: 1,
    rev: 1
  })
})

t.test('GET: pages by offset and by cursor, newest first', async t => {
  const app = await build(t, { CHAT_LIMITS: 'off' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`

  t.match((await ann.get(url)).json(), { messages: [], total: 0, rev: 0, hasBefore: false, hasAfter: false }, 'an empty cafe')
  await talk(ann, cafe.id, 12)

  const page = async (query: string) => (await ann.get(`${url}?${query}`)).json<MessagePage>()
  const wanted: Array<[string, number[], Partial<MessagePage>]> = [
    ['limit=3', [12, 11, 10], { limit: 3, offset: 0, total: 12, hasBefore: true, hasAfter: false }],
    ['limit=3&offset=3', [9, 8, 7], { limit: 3, offset: 3, total: 12, hasBefore: true, hasAfter: true }],
    ['limit=3&offset=11', [1], { offset: 11, hasBefore: false, hasAfter: true }],
    ['limit=3&offset=12', [], { offset: 12, total: 12 }],
    ['limit=3&offset=9007199254740991', [], { total: 12 }],
    ['limit=3&before=10', [9, 8, 7], { offset: 0, hasBefore: true, hasAfter: true }],
    ['limit=3&before=1', [], { hasBefore: false, hasAfter: true }],
    ['limit=3&after=0', [3, 2, 1], { hasBefore: false, hasAfter: true }],
    ['limit=3&after=9', [12, 11, 10], { hasBefore: true, hasAfter: false }],
    ['limit=3&after=12', [], { hasBefore: true, hasAfter: false }],
    ['limit=3&after=9007199254740991', [], { hasBefore: true, hasAfter: false }],
    ['limit=3&around=6', [7, 6, 5], { hasBefore: true, hasAfter: true }],
    ['limit=100', [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], { limit: 100, hasBefore: false }]
  ]
  for (const [query, numbers, rest] of wanted) {
    const got = await page(query)
    t.strictSame(seqs(got), numbers, query)
    t.match(got, rest, query)
  }
})

t.test('GET: CHAT_HISTORY_LIMIT is the default page', async t => {
  const app = await build(t, { CHAT_HISTORY_LIMIT: '2', CHAT_LIMITS: 'off' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  await talk(ann, cafe.id, 3)
  const page = (await ann.get(`/api/chat/messages/${cafe.id}`)).json<MessagePage>()
  t.strictSame(seqs(page), [3, 2])
  t.equal(page.limit, 2)
})

t.test('GET: bad limits, cursors and ids', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`

  for (const [query, field] of [
    ['limit=0', 'limit'], ['limit=101', 'limit'], ['limit=-1', 'limit'], ['limit=1e9', 'limit'], ['limit=abc', 'limit'], ['limit=', 'limit'], ['limit=1&limit=2', 'limit'],
    ['offset=-1', 'offset'], ['offset=1000000000000000000', 'offset'], ['before=x', 'before'], ['after=1.5', 'after'], ['around=', 'around'], ['token=x', 'token']
  ] as const) {
    const response = await ann.get(`${url}?${query}`)
    t.equal(response.statusCode, 400, query)
    t.match(response.json(), { code: 'CHAT_VALIDATION', details: [{ field }] }, query)
  }
  for (const [query, ...fields] of [
    ['before=1&after=2', 'after'], ['around=3&before=1', 'around'], ['after=1&around=2', 'around'], ['offset=5&before=1', 'before'], ['offset=0&after=1', 'after'],
    ['before=1&after=1&around=1&offset=1', 'before', 'after', 'around']
  ] as const) {
    const response = await ann.get(`${url}?${query}`)
    t.equal(response.statusCode, 400, query)
    t.strictSame(response.json<ErrorBody>().details, fields.map(field => ({ field, rule: 'exclusive' })), query)
  }
  t.match((await ann.get('/api/chat/messages/x')).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'id', rule: 'format' }] })
  t.match((await ann.get(`/api/chat/messages/${cafe.id.toUpperCase()}`)).json(), { code: 'CHAT_VALIDATION' })
  const unknown = await ann.get(`/api/chat/messages/${unknownId}`)
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { code: 'CHAT_CAFE_NOT_FOUND' })
})

t.test('GET: an ETag that holds as long as the cafe does not change', async t => {
  const app = await build(t, { CHAT_LIMITS: 'off' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`
  const [first] = await talk(ann, cafe.id, 3)

  const page = await ann.get(url)
  const etag = String(page.headers.etag)
  t.match(etag, /^W\/"[!-~]+"$/)
  t.equal(page.headers['cache-control'], 'private, no-cache')

  for (const header of [etag, etag.slice(2), `"x", ${etag}`, `${etag},"x"`, '*']) {
    const same = await ann.get(url, { 'if-none-match': header })
    t.equal(same.statusCode, 304, header)
    t.equal(same.body, '')
    t.equal(same.headers.etag, etag)
    t.notOk('content-length' in same.headers)
  }
  for (const header of ['"x"', '', 'W/', etag.slice(0, -1), etag.replace('W/', 'w/')]) {
    t.equal((await ann.get(url, { 'if-none-match': header })).statusCode, 200, header)
  }

  const tags = new Set([etag])
  for (const query of ['limit=2', 'limit=2&offset=1', 'limit=2&before=3', 'limit=2&after=1', 'limit=2&around=2', 'limit=2&before=2']) {
    const other = await ann.get(`${url}?${query}`, { 'if-none-match': etag })
    t.equal(other.statusCode, 200, query)
    tags.add(String(other.headers.etag))
  }
  t.equal(tags.size, 7, 'every page has a tag of its own')

  await ann.remove(`/api/chat/messages/${first!.id}`)
  const changed = await ann.get(url, { 'if-none-match': etag })
  t.equal(changed.statusCode, 200, 'a deletion changes it')
  await talk(ann, cafe.id, 1, 4)
  t.equal((await ann.get(url, { 'if-none-match': String(changed.headers.etag) })).statusCode, 200, 'and so does a message')

  t.equal((await ann.get(`/api/chat/messages/${unknownId}`, { 'if-none-match': '*' })).statusCode, 404)
  t.equal((await app.inject({ url, headers: { 'if-none-match': etag } })).statusCode, 401)
})

t.test('POST: 201 for a new message, 200 for a repeated send, 409 for other content', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const bob = await enter(app, 'bob')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`

  const sent = await ann.post(url, { content: 'Hello', clientId: 'ann-1' })
  t.equal(sent.statusCode, 201)
  t.match(sent.json(), { duplicate: false, message: { content: 'Hello', clientId: 'ann-1', seq: 1, rev: 1, userId: ann.user.id, username: 'ann' } })

  const again = await ann.post(url, { content: 'Hello', clientId: 'ann-1' })
  t.equal(again.statusCode, 200)
  t.strictSame(again.json(), { ...sent.json<SendReply>(), duplicate: true })

  const conflict = await ann.post(url, { content: 'Something else', clientId: 'ann-1' })
  t.equal(conflict.statusCode, 409)
  t.match(conflict.json(), { code: 'CHAT_CLIENT_ID_CONFLICT' })

  t.equal((await bob.post(url, { content: 'Hello', clientId: 'ann-1' })).statusCode, 201, "another's clientId is another's")
  t.equal((await ann.get(url)).json<MessagePage>().total, 2)
})

t.test('POST: bad input stores nothing', async t => {
  const app = await build(t, { CHAT_LIMITS: 'off' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`

  for (const body of [
    undefined, {}, [], { content: 5 }, { content: null }, { content: ['x'] }, { content: 'x', id: unknownId }, { content: 'x', seq: 1 }, { content: 'x', username: 'bob' },
    { content: 'x', userId: unknownId }, { content: 'x', createdAt: '2020-01-01T00:00:00.000Z' }, { content: 'x', cafeId: cafe.id },
    { content: 'x', clientId: '' }, { content: 'x', clientId: 'x'.repeat(65) }, { content: 'x', clientId: 5 }, { content: 'x', clientId: 'a\0' }
  ]) {
    const response = await ann.post(url, body)
    t.equal(response.statusCode, 400, JSON.stringify(body))
    t.match(response.json(), { code: 'CHAT_VALIDATION' })
  }
  for (const content of ['', ' ', '\n\t ', '\u200b', 'x'.repeat(501), '👨‍👩‍👧‍👦'.repeat(100), 'a\0b', 'a\u001bb', 'a\ud800b']) {
    const response = await ann.post(url, JSON.stringify({ content }), { 'content-type': 'application/json' })
    t.equal(response.statusCode, 400, JSON.stringify(content).slice(0, 40))
    t.match(response.json(), { code: 'CHAT_CONTENT_INVALID' }, JSON.stringify(content).slice(0, 40))
  }
  t.match((await ann.post(`/api/chat/messages/${unknownId}`, { content: 'x' })).json(), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.equal((await ann.post('/api/chat/messages/x', { content: 'x' })).statusCode, 400)
  t.equal((await ann.post(url, 'content=x', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode, 415)
  t.equal((await ann.post(url, { content: 'x'.repeat(70_000) })).statusCode, 413)
  t.equal((await app.inject({ method: 'POST', url, payload: { content: 'x' } })).statusCode, 401)
  t.strictSame((await app.pg.query('SELECT FROM messages')).rowCount, 0)
  t.match((await ann.get(url)).json(), { total: 0, rev: 0 })
})

t.test('POST: text arrives as it was sent', async t => {
  const app = await build(t, { CHAT_LIMITS: 'off' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`
  const texts = ['x'.repeat(500), '😀'.repeat(500), 'مرحبا بالجميع', 'コーヒーをください', '<img src=x onerror=alert(1)>', "'); DROP TABLE messages;--", 'two\nlines\tand a tab', '👩‍👩‍👧', 'e\u0301', '"quoted" \\ back']
  for (const content of texts) t.equal((await ann.post(url, { content })).json<SendReply>().message?.content, content, content.slice(0, 20))
  t.strictSame((await ann.get(url)).json<MessagePage>().messages.map(message => message.content), texts.toReversed())
})

t.test('POST: limits answer 429 and say when to come back', async t => {
  const app = await build(t, { CHAT_USER_RATE: '2' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/messages/${cafe.id}`

  await ann.post(url, { content: 'one' })
  const repeated = await ann.post(url, { content: 'one' })
  t.equal(repeated.statusCode, 429)
  t.match(repeated.json(), { code: 'CHAT_REPEATED', retryAfterMs: Number })

  const limited = await ann.post(url, { content: 'three' })
  t.equal(limited.statusCode, 429)
  const { code, retryAfterMs } = limited.json<ErrorBody>()
  t.equal(code, 'CHAT_RATE_LIMITED')
  t.ok(retryAfterMs! > 0 && retryAfterMs! <= 10_000)
  t.equal(limited.headers['retry-after'], String(Math.ceil(retryAfterMs! / 1000)))
})

t.test('DELETE: author and moderators, to the letter of the specification', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const bob = await enter(app, 'bob')
  const mod = await enter(app, 'mod', 'moderator')
  const admin = await enter(app, 'admin', 'admin')
  const cafe = await open(app)
  const [one, two, three] = await talk(ann, cafe.id, 3)
  const url = (message: Message | undefined) => `/api/chat/messages/${message!.id}`

  const forbidden = await bob.remove(url(one))
  t.equal(forbidden.statusCode, 403)
  t.match(forbidden.json(), { code: 'CHAT_FORBIDDEN' })

  const deleted = await ann.remove(url(one))
  t.equal(deleted.statusCode, 200)
  t.strictSame(deleted.json(), { success: true, message: 'Message deleted' })
  t.strictSame((await ann.remove(url(one))).json(), { success: true, message: 'Message deleted' }, 'twice is harmless')
  t.equal((await mod.remove(url(two))).statusCode, 200)
  t.equal((await admin.remove(url(three))).statusCode, 200)

  const page = (await bob.get(`/api/chat/messages/${cafe.id}`)).json<MessagePage>()
  t.match(page, { total: 3, rev: 6 }, 'tombstones count')
  for (const message of page.messages) t.match(message, { deleted: true, content: '', deletedAt: /Z$/, username: 'ann' })

  const unknown = await ann.remove(`/api/chat/messages/${unknownId}`)
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { code: 'CHAT_MESSAGE_NOT_FOUND' })
  t.match((await ann.remove('/api/chat/messages/x')).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'id', rule: 'format' }] })
  t.match((await ann.remove(`/api/chat/messages/${cafe.id}`)).json(), { code: 'CHAT_MESSAGE_NOT_FOUND' }, "a cafe's id is no message's")
  t.equal((await app.inject({ method: 'DELETE', url: url(one) })).statusCode, 401)
})

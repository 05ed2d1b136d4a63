import t from 'tap'
import type { EditReply, Message, MessagePage, SendReply } from '../../../schemas/messages.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { type App, build } from '../../support/build.ts'
import { type Caller, enter, open, unknownId } from './client.ts'

/** PATCH as a user; an object goes as JSON. */
const patch = (app: App, { token }: { token: string }, id: string, body?: unknown, headers: Record<string, string> = {}) => app.inject({
  method: 'PATCH',
  url: `/api/chat/messages/${id}`,
  headers: { authorization: `Bearer ${token}`, ...headers },
  ...(body !== undefined && { payload: body as object })
})

async function say (who: Caller, cafeId: string, content: string, clientId?: string): Promise<Message> {
  const response = await who.post(`/api/chat/messages/${cafeId}`, { content, ...(clientId !== undefined && { clientId }) })
  return response.json<SendReply>().message
}

t.test('PATCH changes the text, and nothing else but rev and editedAt', async t => {
  const app = await build(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const message = await say(ann, cafe.id, 'tpyo', 'e')
  await say(ann, cafe.id, 'after')
  const before = await ann.get(`/api/chat/messages/${cafe.id}`)

  const response = await patch(app, ann, message.id, { content: 'typo' })
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  const reply = response.json<EditReply>()
  t.strictSame(Object.keys(reply), ['message'])
  const { editedAt, ...rest } = reply.message
  t.strictSame(rest, { ...message, content: 'typo', rev: 3 })
  t.match(editedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

  const page = await ann.get(`/api/chat/messages/${cafe.id}`, { 'if-none-match': String(before.headers.etag) })
  t.equal(page.statusCode, 200, 'the page of before is not the page any more')
  t.match(page.json<MessagePage>(), { total: 2, rev: 3, messages: [{ content: 'after' }, reply.message] })
  t.strictSame((await ann.get(`/api/chat/messages/${cafe.id}?before=2`)).json<MessagePage>().messages, [reply.message], 'from the database too')

  t.strictSame((await patch(app, ann, message.id, { content: 'typo' })).json(), reply, 'again: nothing changes')
  const retry = await ann.post(`/api/chat/messages/${cafe.id}`, { content: 'tpyo', clientId: 'e' })
  t.equal(retry.statusCode, 200)
  t.strictSame(retry.json(), { message: reply.message, duplicate: true }, 'a retry of the send finds it')
  t.equal((await ann.post(`/api/chat/messages/${cafe.id}`, { content: 'typo', clientId: 'e' })).statusCode, 409)
  await checkLog(t, app.pg.pool)
})

t.test('PATCH: who may', async t => {
  const app = await build(t)
  const [ann, bob, moderator, admin] = await Promise.all([enter(app, 'ann'), enter(app, 'bob'), enter(app, 'mod', 'moderator'), enter(app, 'root', 'admin')])
  const cafe = await open(app)
  const message = await say(ann, cafe.id, 'mine')
  for (const who of [bob, moderator, admin]) {
    const response = await patch(app, who, message.id, { content: 'theirs' })
    t.equal(response.statusCode, 403)
    t.match(response.json(), { code: 'CHAT_FORBIDDEN' })
  }
  const nobody = await app.inject({ method: 'PATCH', url: `/api/chat/messages/${message.id}`, payload: { content: 'x' } })
  t.equal(nobody.statusCode, 401)
  t.match(nobody.json(), { code: 'CHAT_UNAUTHENTICATED' })
  t.equal((await ann.get(`/api/chat/messages/${cafe.id}`)).json<MessagePage>().rev, 1)
})

t.test('PATCH: bad input, and messages that are not there', async t => {
  const app = await build(t, { CHAT_LIMITS: 'off' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const message = await say(ann, cafe.id, 'mine')
  for (const content of ['', ' \n', '\u200b', 'x'.repeat(501), 'a\0b', '\ud800']) {
    const response = await patch(app, ann, message.id, { content })
    t.equal(response.statusCode, 400)
    t.match(response.json(), { code: 'CHAT_CONTENT_INVALID' }, JSON.stringify(content.slice(0, 4)))
  }
  t.equal((await patch(app, ann, message.id, { content: '👍'.repeat(500) })).statusCode, 200, 'counted in code points')
  for (const body of [{}, { content: 1 }, { content: null }, { content: 'x', clientId: 'x' }, []]) {
    const response = await patch(app, ann, message.id, body)
    t.equal(response.statusCode, 400)
    t.match(response.json(), { code: 'CHAT_VALIDATION' }, JSON.stringify(body))
  }
  t.match((await patch(app, ann, 'x', { content: 'x' })).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'id', rule: 'format' }] })
  t.equal((await patch(app, ann, message.id, '{', { 'content-type': 'application/json' })).statusCode, 400)
  t.equal((await patch(app, ann, message.id, 'x', { 'content-type': 'text/plain' })).statusCode, 415)
  t.equal((await patch(app, ann, message.id, { content: 'x'.repeat(70_000) })).statusCode, 413)

  for (const id of [unknownId, cafe.id]) {
    const response = await patch(app, ann, id, { content: 'x' })
    t.equal(response.statusCode, 404)
    t.match(response.json(), { code: 'CHAT_MESSAGE_NOT_FOUND' })
  }
  await ann.remove(`/api/chat/messages/${message.id}`)
  t.match((await patch(app, ann, message.id, { content: 'back' })).json(), { code: 'CHAT_MESSAGE_NOT_FOUND' }, 'a tombstone stays one')
  t.match((await ann.get(`/api/chat/messages/${cafe.id}`)).json(), { rev: 3, messages: [{ deleted: true, content: '' }] })
  await checkLog(t, app.pg.pool)
})

t.test('PATCH: edits count towards the rate of their user', async t => {
  const app = await build(t, { CHAT_USER_RATE: '2' })
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const message = await say(ann, cafe.id, 'one')
  t.equal((await patch(app, ann, message.id, { content: 'two' })).statusCode, 200)
  const response = await patch(app, ann, message.id, { content: 'three' })
  t.equal(response.statusCode, 429)
  t.match(response.json(), { code: 'CHAT_RATE_LIMITED', retryAfterMs: Number })
})

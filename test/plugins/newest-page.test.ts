import t, { type Test } from 'tap'
import type { Cafe } from '../../schemas/cafes.ts'
import type { Session } from '../../schemas/users.ts'
import { build, listen } from '../support/build.ts'
import { ask, connect, guest, heard, openCafe } from '../support/sockets.ts'

/** How often a page has been written as JSON since. */
function countPages (t: Test) {
  const { stringify } = JSON
  let count = 0
  JSON.stringify = ((value: unknown, ...others: []) => {
    if (Array.isArray(value) && value[0] === 'message:history') count++
    return stringify(value, ...others)
  }) as typeof stringify
  t.teardown(() => { JSON.stringify = stringify })
  return () => count
}

async function comeTo (t: Test, env: Record<string, string>) {
  const app = await listen(t, env)
  const ann = await guest(app, 'ann')
  const { id: cafeId } = await openCafe(app, ann)
  const author = await connect(t, app, ann.token)
  await ask(author, 'join:cafe', { cafeId })
  const { message } = await ask(author, 'message:send', { cafeId, content: 'hello ☕ "you"' })
  const pages = countPages(t)
  async function come (transports: string[], since?: number) {
    const { token } = await guest(app, 'somebody')
    const socket = await connect(t, app, token, { transports })
    await ask(socket, 'join:cafe', { cafeId, ...(since !== undefined && { since }) })
    return heard(socket, 'message:history')
  }
  return { author, cafeId, message, pages, come }
}

t.test('the newest page is written once for all who come while nothing changes', async t => {
  const { author, cafeId, message, pages, come } = await comeTo(t, {})
  for (const transports of [['websocket'], ['polling'], ['polling', 'websocket'], ['websocket']]) {
    t.same(await come(transports), [{ cafeId, messages: [message], rev: 1, recovered: false }], transports.join(', '))
  }
  t.equal(pages(), 1)

  const { message: edited } = await ask(author, 'message:edit', { messageId: message.id, content: 'hello again' })
  t.same(await come(['websocket']), [{ cafeId, messages: [edited], rev: 2, recovered: false }], 'as it is now')
  t.same(await come(['websocket'], 1), [{ cafeId, messages: [edited], rev: 2, recovered: true }], 'what changed since')
  t.same(await come(['websocket'], 2), [{ cafeId, messages: [], rev: 2, recovered: true }])
  t.same(await come(['websocket']), [{ cafeId, messages: [edited], rev: 2, recovered: false }])
  t.equal(pages(), 4, 'two pages of everybody, two of somebody')
})

t.test('CHAT_KEEP_PAGE=off', async t => {
  const { cafeId, message, pages, come } = await comeTo(t, { CHAT_KEEP_PAGE: 'off' })
  for (let count = 0; count < 3; count++) t.same(await come(['websocket']), [{ cafeId, messages: [message], rev: 1, recovered: false }])
  t.equal(pages(), 3)
})

/** A cafe with one message, and how often a field of the page of it that the services keep has been read since. */
async function openPage (t: Test, env: Record<string, string>) {
  const app = await build(t, env)
  const { token } = (await app.inject({ method: 'POST', url: '/api/auth/guest', payload: {} })).json<Session>()
  const headers = { authorization: `Bearer ${token}` }
  const { id } = (await app.inject({ method: 'POST', url: '/api/cafes', headers, payload: { name: 'cafe' } })).json<Cafe>()
  const send = (content: string) => app.inject({ method: 'POST', url: `/api/chat/messages/${id}`, headers, payload: { content } })
  await send('hello ☕ "you"')
  let reads = 0
  async function watch () {
    const page = await app.services.history.page(id, {})
    const { total } = page
    Object.defineProperty(page, 'total', { enumerable: true, get () { reads++; return total } })
  }
  const read = async (query = '') => {
    const { statusCode, headers: { 'content-type': type }, body } = await app.inject({ url: `/api/chat/messages/${id}${query}`, headers })
    return { statusCode, type, body }
  }
  return { watch, read, send, reads: () => reads }
}

t.test('the newest page over REST is written once for all who read it while nothing changes', async t => {
  const { watch, read, send, reads } = await openPage(t, {})
  await watch()
  const first = await read()
  const once = reads()
  t.ok(once > 0)
  t.match(first, { statusCode: 200, type: 'application/json; charset=utf-8' })
  t.match(JSON.parse(first.body), { total: 1, limit: 50, messages: [{ content: 'hello ☕ "you"' }] })
  t.same(await read(), first)
  t.same(await read('?limit=50&offset=0'), first)
  t.equal(reads(), once, 'nobody looked at the page again')

  t.match(JSON.parse((await read('?limit=1')).body), { limit: 1, messages: [{ seq: 1 }] }, 'another limit is another page')
  await send('hello again')
  t.match(JSON.parse((await read()).body), { total: 2, messages: [{ seq: 2 }, { seq: 1 }] })
})

t.test('and with CHAT_KEEP_PAGE=off for each, in the same words', async t => {
  const { watch, read, reads } = await openPage(t, { CHAT_KEEP_PAGE: 'off' })
  await watch()
  const first = await read()
  const once = reads()
  t.same(await read(), first)
  t.equal(reads(), 2 * once)
})

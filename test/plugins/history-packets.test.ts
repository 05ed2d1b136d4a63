import t, { type Test } from 'tap'
import { listen } from '../support/build.ts'
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

t.test('SOCKET_HISTORY_PACKETS=off', async t => {
  const { cafeId, message, pages, come } = await comeTo(t, { SOCKET_HISTORY_PACKETS: 'off' })
  for (let count = 0; count < 3; count++) t.same(await come(['websocket']), [{ cafeId, messages: [message], rev: 1, recovered: false }])
  t.equal(pages(), 3)
})

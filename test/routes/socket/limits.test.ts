import t from 'tap'
import { listen } from '../../support/build.ts'
import { ask, call, emit, heard, refused, until } from '../../support/sockets.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { createShapes, enter, found, type Node, visit, wait } from './cast.ts'

const limited = { code: 'CHAT_RATE_LIMITED' }
const repeated = { code: 'CHAT_REPEATED' }

const { onBoth } = await createShapes(t, { CHAT_USER_RATE: '5', CHAT_CAFE_RATE: '8' })
const { onBoth: onBothSoon } = await createShapes(t, { CHAT_REPEAT_WINDOW: '600' })

/** Holds a cafe's row, so that sends wait for it, until what it resolves to is called. */
async function hold (app: Node, cafeId: string) {
  const holder = await app.pg.pool.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT FROM cafe_heads WHERE cafe_id = $1 FOR UPDATE', [cafeId])
  return async () => {
    await holder.query('ROLLBACK')
    holder.release()
  }
}

await onBoth('a user\'s rate', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const phone = await ann.tab(there, { auth: { cafeId } })
  for (let n = 1; n <= 5; n++) t.match(await ask(n % 2 === 0 ? phone : ann.socket, 'message:send', { cafeId, content: `message ${n}` }), { message: { seq: n } })
  for (const socket of [ann.socket, phone]) {
    const error = await refused(socket, 'message:send', { cafeId, content: 'one more' })
    t.match(error, limited)
    t.ok(error.retryAfterMs! > 0 && error.retryAfterMs! <= 2000, `wait ${error.retryAfterMs} ms: every two seconds there is another one`)
    t.same(error.details, [{ field: 'userId', rule: 'sendRate' }])
  }
  await call(there, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body: { content: 'by another way' }, status: 429 })
  t.match(await ask(bob.socket, 'message:send', { cafeId, content: 'hello' }), { message: { seq: 6 } }, 'others are not concerned')
  t.match(await ask(ann.socket, 'typing:start', { cafeId }), { cafeId }, 'nor is what is no message')
  await checkLog(t, here.pg.pool)
})

await onBoth('a cafe\'s rate', async (t, here, there) => {
  const [{ id: cafeId }, { id: other }] = [await found(here), await found(here)]
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  for (let n = 1; n <= 8; n++) await ask((n % 2 === 0 ? ann : bob).socket, 'message:send', { cafeId, content: `message ${n}` })
  for (const { socket } of [ann, bob]) {
    const error = await refused(socket, 'message:send', { cafeId, content: 'one more' })
    t.match(error, limited)
    t.ok(error.retryAfterMs! > 0 && error.retryAfterMs! <= 1250)
    t.same(error.details, [{ field: 'cafeId', rule: 'sendRate' }])
  }
  await ask(ann.socket, 'join:cafe', { cafeId: other })
  t.match(await ask(ann.socket, 'message:send', { cafeId: other, content: 'here then' }), { message: { seq: 1 } }, 'another cafe has its own')
})

await onBothSoon('repeated content', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const phone = await ann.tab(there, { auth: { cafeId } })
  const start = Date.now()
  await ask(ann.socket, 'message:send', { cafeId, content: 'Buy now!', clientId: 'send 1' })
  for (const content of ['Buy now!', 'buy NOW!', ' buy\n now! ', 'ｂｕｙ now!']) {
    const error = await refused(phone, 'message:send', { cafeId, content })
    t.match(error, repeated, JSON.stringify(content))
    t.ok(error.retryAfterMs! > 0 && error.retryAfterMs! <= 600, `wait ${error.retryAfterMs}`)
  }
  t.match(await refused(ann.socket, 'message:send', { cafeId, content: 'Buy now!', clientId: 'send 2' }), repeated, 'another clientId is another send')
  t.match(await ask(phone, 'message:send', { cafeId, content: 'Buy now!', clientId: 'send 1' }), { duplicate: true, message: { seq: 1 } }, 'a retry is not repeated content')
  t.match(await ask(bob.socket, 'message:send', { cafeId, content: 'Buy now!' }), { duplicate: false }, 'of somebody else')
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: 'Buy later!' }), { duplicate: false })
  await wait(start + 650 - Date.now())
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: 'Buy later!!' }), { duplicate: false })
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: 'Buy now!' }), { duplicate: false }, 'after the window')
  await until('five were sent', () => heard(bob.socket, 'message:new').length === 5)
  t.same(heard(bob.socket, 'message:new').map(({ message }) => message.content), ['Buy now!', 'Buy now!', 'Buy later!', 'Buy later!!', 'Buy now!'])
})

await onBoth('a retry costs nothing', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const phone = await ann.tab(there, { auth: { cafeId } })
  const { message } = await ask(ann.socket, 'message:send', { cafeId, content: 'once', clientId: 'a' })
  for (let n = 0; n < 8; n++) {
    const again = await ask(n % 2 === 0 ? phone : ann.socket, 'message:send', { cafeId, content: 'once', clientId: 'a' })
    t.match(again, { duplicate: true, message: { id: message.id } })
  }
  for (let n = 2; n <= 5; n++) await ask(ann.socket, 'message:send', { cafeId, content: `number ${n}` })
  t.match(await refused(ann.socket, 'message:send', { cafeId, content: 'number 6' }), limited, 'five it was')
})

t.test('CHAT_LIMITS=off lifts them', async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off', CHAT_USER_RATE: '1', CHAT_CAFE_RATE: '1' })
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  for (let n = 1; n <= 30; n++) t.match(await emit(ann.socket, 'message:send', { cafeId, content: 'again' }), { ok: true })
})

await onBoth('a send that stored nothing leaves no trace', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const phone = await ann.tab(there, { auth: { cafeId } })
  const release = await hold(here, cafeId)
  t.match(await refused(phone, 'message:send', { cafeId, content: 'now or never' }), { code: 'CHAT_UNAVAILABLE' })
  await release()
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: 'now or never', clientId: 'a' }), { message: { seq: 1 } })
  t.match(await refused(ann.socket, 'message:send', { cafeId, content: 'now', clientId: 'a' }), { code: 'CHAT_CLIENT_ID_CONFLICT' }, 'a conflict neither')
  for (let n = 2; n <= 5; n++) await ask(ann.socket, 'message:send', { cafeId, content: n === 2 ? 'now' : `number ${n}` })
  t.match(await refused(ann.socket, 'message:send', { cafeId, content: 'and again' }), limited, 'the five that were stored, no more')
  await checkLog(t, here.pg.pool)
})

t.test('a node takes no more sends than may wait for the database', async t => {
  const app = await listen(t, { CHAT_SEND_QUEUE: '1' })
  const { id: cafeId } = await found(app)
  const [ann, bob] = [await visit(t, app, 'ann', cafeId), await visit(t, app, 'bob', cafeId)]
  const release = await hold(app, cafeId)
  const first = ask(ann.socket, 'message:send', { cafeId, content: 'me first' })
  await until('it waits', () => app.underway.size === 1)
  t.match(await refused(bob.socket, 'message:send', { cafeId, content: 'me too' }), { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  await release()
  t.match(await first, { message: { seq: 1 } })
  t.match(await ask(bob.socket, 'message:send', { cafeId, content: 'me too' }), { message: { seq: 2 } }, 'a moment later')
})

t.test('cafes of one socket', async t => {
  const app = await listen(t, { SOCKET_MAX_CAFES: '2' })
  const cafes = [await found(app), await found(app), await found(app)].map(({ id }) => id)
  const ann = await enter(t, app, 'ann')
  // All at once: what is under way counts.
  const acks = await Promise.all(cafes.map(cafeId => emit(ann.socket, 'join:cafe', { cafeId })))
  t.match(acks, [{ ok: true }, { ok: true }, { ok: false, error: { code: 'CHAT_LIMIT_REACHED' } }])
  t.same(await app.stores.hot.presence.counts(cafes), [1, 1, 0])
  t.match(await ask(ann.socket, 'join:cafe', { cafeId: cafes[0]!, since: 0 }), { recovered: true }, 'coming back to one is no third')
  await ask(ann.socket, 'leave:cafe', { cafeId: cafes[0]! })
  t.match(await ask(ann.socket, 'join:cafe', { cafeId: cafes[2]! }), { userCount: 1 }, 'one left, one joined')
  t.match(await ask(await ann.tab(app), 'join:cafe', { cafeId: cafes[0]! }), { userCount: 1 }, 'another socket has its own')
})

import t from 'tap'
import type { JoinRequest } from '../../../schemas/cafes.ts'
import { listen } from '../../support/build.ts'
import { type Client, ask, heard, open, once, until } from '../../support/sockets.ts'
import { createShapes, enter, found, listenTwice, type Node, visit } from './cast.ts'

const LIMIT = 5
const env = { CHAT_LIMITS: 'off', CHAT_HISTORY_LIMIT: String(LIMIT) }

const { onBoth, app } = await createShapes(t, env)

/** Joins and returns the ack with the history before it. */
async function join (socket: Client, request: JoinRequest) {
  const reply = await ask(socket, 'join:cafe', request)
  const history = heard(socket, 'message:history').at(-1)!
  return { ...reply, messages: history.messages, historyRev: history.rev, historyRecovered: history.recovered }
}

/** A cafe with `count` messages, "1" and so on, as rev 1 and so on. */
async function cafeWith (app: Node, author: Client, count: number) {
  const { id: cafeId } = await found(app)
  await ask(author, 'join:cafe', { cafeId })
  const ids: string[] = []
  for (let n = 1; n <= count; n++) ids.push((await ask(author, 'message:send', { cafeId, content: String(n) })).message.id)
  return { cafeId, ids }
}

await onBoth('who comes back gets what changed', async (t, here, there) => {
  const ann = await enter(t, here, 'ann')
  const bob = await enter(t, there, 'bob')
  const { cafeId, ids } = await cafeWith(here, ann.socket, 8)

  const fresh = await join(bob.socket, { cafeId })
  t.match(fresh, { rev: 8, seq: 8, recovered: false, historyRev: 8, historyRecovered: false }, 'without since: a page')
  t.same(fresh.messages.map(({ content }) => content), ['8', '7', '6', '5', '4'], 'newest first')
  await ask(bob.socket, 'leave:cafe', { cafeId })

  t.match(await join(bob.socket, { cafeId, since: 8 }), { rev: 8, recovered: true, messages: [] }, 'nothing changed')
  await ask(bob.socket, 'leave:cafe', { cafeId })

  await ask(ann.socket, 'message:delete', { messageId: ids[1]! })
  await ask(ann.socket, 'message:send', { cafeId, content: '9' })
  await ask(ann.socket, 'message:delete', { messageId: ids[6]! })
  await until('the other node has it', () => there.services.feed.ring(cafeId)?.rev === 11)
  const back = await join(bob.socket, { cafeId, since: 8 })
  t.match(back, { rev: 11, seq: 9, recovered: true, historyRev: 11, historyRecovered: true })
  t.same(back.messages.map(({ seq, content, deleted, rev }) => [seq, content, deleted, rev]), [[9, '9', false, 10], [7, '', true, 11], [2, '', true, 9]], 'exactly that, each once')
  await ask(bob.socket, 'leave:cafe', { cafeId })

  t.match(await join(bob.socket, { cafeId, since: 6 }), { recovered: true, messages: { length: LIMIT - 1 } }, 'message 7 came and went: once')
  await ask(bob.socket, 'leave:cafe', { cafeId })
  const much = await join(bob.socket, { cafeId, since: 1 })
  t.match(much, { rev: 11, recovered: false, messages: { length: LIMIT } }, 'more than a page: a fresh one, no part that passes for the whole')
  await ask(bob.socket, 'leave:cafe', { cafeId })
  t.match(await join(bob.socket, { cafeId, since: 99 }), { rev: 11, recovered: false, messages: { length: LIMIT } }, 'beyond the newest')
  t.match(await join(bob.socket, { cafeId, since: 10 }), { rev: 11, recovered: true, messages: [{ seq: 7, deleted: true, content: '' }] }, 'while it is there: no second coming')

  const news = once(bob.socket, 'message:new')
  await ask(ann.socket, 'message:send', { cafeId, content: '10' })
  t.match(await news, { message: { content: '10' } }, 'and what follows is live, once')
})

t.test('a node that has just started', async t => {
  const { one, two } = await listenTwice(t, env)
  const ann = await enter(t, one, 'ann')
  const bob = await enter(t, two, 'bob')
  const { cafeId, ids } = await cafeWith(one, ann.socket, 8)
  await ask(ann.socket, 'message:delete', { messageId: ids[0]! })
  await until('the list in Redis is there', async () => (await two.stores.hot.recent.read(cafeId))?.rev === 9)
  t.equal(two.services.feed.ring(cafeId), undefined, 'it never had anybody in there')
  t.match(await join(bob.socket, { cafeId, since: 5 }), {
    rev: 9, recovered: true, messages: [{ seq: 8 }, { seq: 7 }, { seq: 6 }, { seq: 1, deleted: true, content: '' }]
  }, 'knows from the database what changed')

  const three = await listen(t, { ...env, DATABASE_URL: one.databaseUrl })
  const cem = await enter(t, three, 'cem')
  t.match(await join(cem.socket, { cafeId, since: 9 }), { rev: 9, recovered: true, messages: [] }, 'without Redis too')
  await ask(cem.socket, 'leave:cafe', { cafeId })
  t.match(await join(cem.socket, { cafeId, since: 3 }), { rev: 9, recovered: false, messages: { length: LIMIT } }, 'six changes are more than five')
})

t.test('an empty cafe', async t => {
  const { id: cafeId } = await found(app)
  const ann = await enter(t, app, 'ann')
  t.match(await join(ann.socket, { cafeId, since: 0 }), { rev: 0, seq: 0, recovered: true, messages: [] })
  await ask(ann.socket, 'leave:cafe', { cafeId })
  t.match(await join(ann.socket, { cafeId, since: 1 }), { rev: 0, recovered: false, messages: [] })
  const first = once(ann.socket, 'message:new')
  await ask(ann.socket, 'message:send', { cafeId, content: 'first' })
  t.match(await first, { message: { seq: 1, rev: 1 } })
  await ask(ann.socket, 'leave:cafe', { cafeId })
  t.match(await join(ann.socket, { cafeId, since: 0 }), { rev: 1, recovered: true, messages: [{ seq: 1 }] })
})

t.test('a log that was thinned out', async t => {
  const app = await listen(t, { ...env, CHAT_FEED_CHECK: '100' })
  const ann = await enter(t, app, 'ann')
  const { cafeId } = await cafeWith(app, ann.socket, 4)
  await app.pg.pool.query('UPDATE cafe_heads SET min_rev = 3 WHERE cafe_id = $1', [cafeId])
  const bob = await enter(t, app, 'bob')
  await until('the node knows: below min_rev nobody can resume', async () => !(await join(bob.socket, { cafeId, since: 2 })).recovered)
  t.equal(heard(bob.socket, 'message:history').at(-1)?.messages.length, 4, 'it is a page then')
  t.match(await join(bob.socket, { cafeId, since: 3 }), { recovered: true, messages: [{ seq: 4 }] })

  const cold = await listen(t, { ...env, DATABASE_URL: app.databaseUrl })
  const cem = await enter(t, cold, 'cem')
  t.match(await join(cem.socket, { cafeId, since: 2 }), { recovered: false, messages: { length: 4 } }, 'nor on a cold node')
})

t.test('the handshake joins at once', async t => {
  const ann = await enter(t, app, 'ann')
  const { cafeId } = await cafeWith(app, ann.socket, 3)
  const came = once(ann.socket, 'users:update', ({ userCount }) => userCount === 2)
  const bob = await enter(t, app, 'bob')
  const tab = await bob.tab(app, { auth: { cafeId } })
  await until('history', () => heard(tab, 'message:history').length === 1)
  t.match(heard(tab, 'message:history'), [{ cafeId, rev: 3, recovered: false, messages: [{ seq: 3 }, { seq: 2 }, { seq: 1 }] }])
  t.match(await came, { action: 'join', user: { username: 'bob' } })

  const back = await bob.tab(app, { auth: { cafeId, since: 2 } })
  await until('what changed', () => heard(back, 'message:history').length === 1)
  t.match(heard(back, 'message:history'), [{ recovered: true, messages: [{ seq: 3 }] }])
  t.match(await ask(back, 'message:send', { cafeId, content: '4' }), { message: { seq: 4 } }, 'it is a member')

  const wrong: Array<[object, object]> = [
    [{ cafeId: '00000000-0000-4000-8000-000000000000' }, { code: 'CHAT_CAFE_NOT_FOUND' }],
    [{ cafeId: 'corner' }, { code: 'CHAT_VALIDATION', details: [{ field: 'cafeId', rule: 'format' }] }],
    [{ cafeId: null }, { code: 'CHAT_VALIDATION', details: [{ field: 'cafeId', rule: 'type' }] }],
    [{ cafeId, since: '2' }, { code: 'CHAT_VALIDATION', details: [{ field: 'since', rule: 'type' }] }],
    [{ cafeId, since: -1 }, { code: 'CHAT_VALIDATION', details: [{ field: 'since', rule: 'minimum' }] }]
  ]
  for (const [auth, error] of wrong) {
    const socket = open(t, app, bob.token, { auth })
    t.match(await once(socket, 'error'), error, JSON.stringify(auth))
    t.equal(heard(socket, 'connected').length, 1, 'it stays connected all the same')
    t.match(await ask(socket, 'join:cafe', { cafeId }), { cafeId }, 'and may join')
  }
})

t.test('a cafe that nobody uses is closed and opened again', async t => {
  const app = await listen(t, { ...env, CHAT_FEED_LINGER: '100', CHAT_FEED_CHECK: '100' })
  const ann = await enter(t, app, 'ann')
  const { cafeId } = await cafeWith(app, ann.socket, 3)
  await ask(ann.socket, 'leave:cafe', { cafeId })
  await until('closed', () => app.services.feed.ring(cafeId) === undefined)
  t.match(await join(ann.socket, { cafeId, since: 2 }), { recovered: true, messages: [{ seq: 3 }] })
  const bob = await visit(t, app, 'bob', cafeId)
  const news = once(bob.socket, 'message:new')
  await ask(ann.socket, 'message:send', { cafeId, content: '4' })
  t.match(await news, { message: { seq: 4 } })
})

import t, { type Test } from 'tap'
import type { UsersUpdate } from '../../../schemas/events.ts'
import type { CafePresence } from '../../../schemas/presence.ts'
import { type Client, ask, call, heard, once, until } from '../../support/sockets.ts'
import { contents, createShapes, enter, found, listenTwice, type Node, redisOf, type Someone, visit, wait } from './cast.ts'

const { onBoth, app, one, two } = await createShapes(t)
const updates = (socket: Client) => heard(socket, 'users:update')
const count = (socket: Client) => updates(socket).at(-1)?.userCount
const told = (update: UsersUpdate) => update.action === 'sync' ? `sync ${update.userCount}` : `${update.user.username} ${update.action} ${update.userCount}`

/** Everybody's last word is the same number, and REST says so too. */
async function agree (t: Test, nodes: Node[], people: Someone[], cafeId: string, userCount: number) {
  await until(`everybody counts ${userCount}`, () => people.every(({ socket }) => count(socket) === userCount))
  for (const node of nodes) {
    t.match(await call<CafePresence>(node, 'GET', `/api/chat/presence/${cafeId}`, { token: people[0]!.token }), { cafeId, userCount, users: { length: userCount } })
  }
}

await onBoth('tabs and devices count once', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  await agree(t, [here, there], [ann, bob], cafeId, 2)
  const before = updates(ann.socket).length

  const [tab, phone] = [await bob.tab(there), await bob.tab(here)]
  t.match(await ask(tab, 'join:cafe', { cafeId }), { userCount: 2 })
  t.match(await ask(phone, 'join:cafe', { cafeId }), { userCount: 2 })
  for (const socket of [tab, phone]) {
    await until('it is greeted with the count', () => updates(socket).length > 0)
    t.match(updates(socket), [{ userCount: 2, action: 'join', user: { id: bob.user.id, username: 'bob' } }])
  }
  bob.socket.disconnect()
  tab.disconnect()
  await wait(100)
  t.equal(updates(ann.socket).length, before, 'nobody hears of tabs')
  t.same(await there.stores.hot.presence.counts([cafeId]), [2], 'the phone is still there')

  const left = once(ann.socket, 'users:update', ({ action }) => action === 'leave')
  await ask(phone, 'leave:cafe', { cafeId })
  t.match(await left, { cafeId, userCount: 1, user: { id: bob.user.id, username: 'bob' } }, 'the last one to leave is a leave')
  await agree(t, [here, there], [ann], cafeId, 1)
  t.equal(updates(phone).filter(({ action }) => action === 'leave').length, 0, 'who left hears nothing of it')
})

await onBoth('who is gone has left every cafe', async (t, here, there) => {
  const cafes = [await found(here), await found(here), await found(here)].map(({ id }) => id)
  const ann = await enter(t, here, 'ann')
  const bob = await enter(t, there, 'bob')
  for (const cafeId of cafes) {
    await ask(ann.socket, 'join:cafe', { cafeId })
    await ask(bob.socket, 'join:cafe', { cafeId })
  }
  bob.socket.disconnect()
  await until('ann hears it in each', () => new Set(updates(ann.socket).filter(({ action }) => action === 'leave').map(({ cafeId }) => cafeId)).size === 3)
  t.same(await here.stores.hot.presence.counts(cafes), [1, 1, 1])
  ann.socket.disconnect()
  await until('nobody is anywhere', async () => (await there.stores.hot.presence.counts(cafes)).every(n => n === 0))
  t.match(await call(here, 'GET', `/api/cafes/${cafes[0]}`, { token: ann.token }), { userCount: 0 })
})

t.test('a room that gets busy', async t => {
  const [here, there] = [one, two]
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  await until('ann hears of herself', () => updates(ann.socket).length === 1)
  await wait(1000) // her own coming counts for a second
  const crowd = await Promise.all(Array.from({ length: 8 }, (_, n) => enter(t, there, `guest ${n}`)))
  const start = Date.now()
  for (const { socket } of crowd) await ask(socket, 'join:cafe', { cafeId })
  const took = Date.now() - start
  await until('then in summaries', () => updates(ann.socket).some(({ action }) => action === 'sync'))
  if (took < 900) t.same(updates(ann.socket).slice(1, 5).map(told), crowd.slice(0, 4).map((_, n) => `guest ${n} join ${n + 2}`), 'four in a second are told one by one')
  await agree(t, [here, there], [ann], cafeId, 9)

  for (const { socket } of crowd.slice(0, 7)) {
    socket.disconnect()
    await wait(60)
  }
  await agree(t, [here], [ann], cafeId, 2)
  const summaries = heard(ann.socket, 'users:update').filter(update => update.action === 'sync')
  t.ok(summaries.length <= 2 * Math.ceil((Date.now() - start) / 1000) + 1, `${summaries.length} in ${Date.now() - start} ms: at most two a second`)
  const named = summaries.flatMap(update => update.action === 'sync' ? [...update.joined, ...update.left] : [])
  t.ok(named.some(({ username }) => username === 'guest 6'), 'they name who it was')
  const last = crowd.at(-1)!.socket
  await until('the other node says the same', () => count(last) === 2)

  await wait(2600) // two quiet seconds, and what is left of a summary's half
  const [came, seen] = [once(ann.socket, 'users:update'), once(last, 'users:update')]
  const dan = await visit(t, there, 'dan', cafeId)
  for (const update of [await came, await seen]) t.match(update, { action: 'join', userCount: 3, user: { id: dan.user.id, username: 'dan' } }, 'it is quiet again')
})

t.test('a large room', async t => {
  const { id: cafeId } = await found(app)
  const people = await Promise.all(Array.from({ length: 51 }, async (_, n) => {
    const user = await app.services.accounts.welcome(`guest ${n}`)
    return { user, token: app.issue(user).token }
  }))
  // Their coming is of no interest here: 51 users are members, by what the rules know.
  for (const { user } of people) await app.services.presence.enter(cafeId, { id: user.id, username: user.username }, `socket of ${user.username}`)
  const ann = await visit(t, app, 'ann', cafeId)
  await until('ann hears a count', () => updates(ann.socket).length > 0)
  t.same(updates(ann.socket).map(told), ['sync 52'], 'over 50 members there are summaries only')
  t.match(updates(ann.socket)[0], { joined: [{ username: 'ann' }], left: [] })
  const tab = await ann.tab(app)
  await ask(tab, 'join:cafe', { cafeId })
  await until('a second tab is greeted', () => updates(tab).length > 0)
  t.same(updates(tab)[0], { cafeId, userCount: 52, action: 'sync', joined: [], left: [] })

  const news = once(ann.socket, 'users:update', ({ userCount }) => userCount === 27)
  for (const { user } of people.slice(0, 25)) await app.services.presence.leave(cafeId, { id: user.id, username: user.username }, `socket of ${user.username}`)
  const update = await news
  t.match(update, { action: 'sync', userCount: 27, left: { length: 20 } }, 'a sample of at most 20, the count exact')
})

await onBoth('statuses', async (t, here, there) => {
  const [{ id: cafeId }, { id: other }] = [await found(here), await found(here)]
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const cem = await visit(t, there, 'cem', cafeId)
  const dan = await visit(t, here, 'dan', other)
  for (const status of ['away', 'busy', 'online'] as const) {
    // What nodes tell each other of this is heard once they have found each other: a moment after the join.
    await until(`all of the cafe hear that bob is ${status}`, async () => {
      t.same(await ask(bob.socket, 'presence:update', { status }), { status })
      return [ann, bob, cem].every(({ socket }) => heard(socket, 'presence:update').at(-1)?.status === status)
    })
    const update = heard(ann.socket, 'presence:update').at(-1)!
    t.match(update, { cafeId, userId: bob.user.id, username: 'bob', status })
    t.ok(Math.abs(Date.parse(update.lastSeen) - Date.now()) < 5000, 'lastSeen is now')
    const { users } = await call<CafePresence>(here, 'GET', `/api/chat/presence/${cafeId}`, { token: ann.token })
    t.match(users.find(({ id }) => id === bob.user.id), { username: 'bob', status, lastSeen: /Z$/ })
  }
  t.same(heard(dan.socket, 'presence:update'), [], 'other cafes do not')

  await ask(bob.socket, 'presence:update', { status: 'busy' })
  const tab = await bob.tab(here, { auth: { cafeId: other } })
  await until('in another cafe', () => heard(tab, 'message:history').length === 1)
  const { users } = await call<CafePresence>(here, 'GET', `/api/chat/presence/${other}`, { token: ann.token })
  t.match(users.find(({ id }) => id === bob.user.id), { status: 'busy' }, 'it is that of the user, in every cafe')
  await ask(dan.socket, 'leave:cafe', { cafeId: other })
  t.same(await ask(dan.socket, 'presence:update', { status: 'away' }), { status: 'away' }, 'who is nowhere may have one')
})

t.test('Redis holds who is where', async t => {
  const { id: cafeId } = await found(one)
  const ann = await visit(t, one, 'ann', cafeId)
  const phone = await ann.tab(two, { auth: { cafeId } })
  await until('on both nodes', () => heard(phone, 'message:history').length === 1)
  const client = redisOf(one)
  const key = `user:${ann.user.id}:presence`
  t.match(await client.hgetall(key), { status: 'online', cafeId, lastSeen: /^\d{13}$/ })
  ann.socket.disconnect()
  await until('one node less', async () => JSON.stringify(await client.hgetall(`cafe:${cafeId}:holders`)).includes('"1"'))
  t.same(await client.smembers(`cafe:${cafeId}:users`), [ann.user.id], 'the other node has her')
  phone.disconnect()
  await until('nobody', async () => await client.exists(`cafe:${cafeId}:users`) === 0)
  t.match(await client.hgetall(key), { status: 'offline', lastSeen: /^\d{13}$/ })
  t.notOk((await client.hgetall(key)).cafeId, 'in no cafe')
})

t.test('whose node stops has not left if they come back by another one, and has if they do not', async t => {
  const { one, two } = await listenTwice(t, { PRESENCE_HEARTBEAT: '300', PRESENCE_LEASE: '5000' })
  const { id: cafeId } = await found(one)
  const ann = await visit(t, one, 'ann', cafeId)
  const bob = await visit(t, two, 'bob', cafeId)
  const cem = await visit(t, two, 'cem', cafeId)
  await agree(t, [one], [ann, bob, cem], cafeId, 3)
  const before = updates(ann.socket).length
  await two.close()
  const back = await bob.tab(one, { auth: { cafeId } })
  await until('bob is back', () => heard(back, 'message:history').length === 1)
  t.match(await call<CafePresence>(one, 'GET', `/api/chat/presence/${cafeId}`, { token: ann.token }), { userCount: 3 })
  await until('cem is counted out', () => updates(ann.socket).length > before, 8000)
  t.match(updates(ann.socket).slice(before), [{ action: 'leave', userCount: 2, user: { username: 'cem' } }], 'nobody heard of bob')
  await until('it is known no more', async () => !JSON.stringify(await contents(redisOf(one))).includes(two.health.nodeId))
  t.match(JSON.stringify(await contents(redisOf(one))), one.health.nodeId, 'the other one is')
})

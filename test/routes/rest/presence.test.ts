import t from 'tap'
import type { CafePresence, UserPresences } from '../../../schemas/presence.ts'
import { listen } from '../../support/build.ts'
import { ask, connect, until } from '../../support/sockets.ts'
import { enter, open, unknownId } from './client.ts'

t.test('GET: everybody who is in the cafe, once, in the shape of the specification', async t => {
  const app = await listen(t)
  const ann = await enter(app, 'ann')
  const bob = await enter(app, 'bob')
  const cafe = await open(app)
  const url = `/api/chat/presence/${cafe.id}`
  t.strictSame((await ann.get(url)).json(), { cafeId: cafe.id, userCount: 0, users: [] }, 'nobody yet')

  const annSocket = await connect(t, app, ann.token)
  const annPhone = await connect(t, app, ann.token)
  const bobSocket = await connect(t, app, bob.token)
  for (const socket of [annSocket, annPhone, bobSocket]) await ask(socket, 'join:cafe', { cafeId: cafe.id })
  await ask(bobSocket, 'presence:update', { status: 'away' })

  const response = await ann.get(url)
  t.equal(response.statusCode, 200)
  const presence = response.json<CafePresence>()
  t.match(presence, { cafeId: cafe.id, userCount: 2 })
  t.equal(presence.users.length, 2)
  const found = (id: string) => presence.users.find(user => user.id === id)
  t.strictSame(Object.keys(found(ann.user.id)!).toSorted(), ['id', 'lastSeen', 'status', 'username'])
  t.match(found(ann.user.id), { username: 'ann', status: 'online', lastSeen: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ })
  t.match(found(bob.user.id), { username: 'bob', status: 'away' })

  const one = (await ann.get(`${url}?limit=1`)).json<CafePresence>()
  t.equal(one.users.length, 1, 'a limit on the names')
  t.equal(one.userCount, 2, 'not on the count')

  bobSocket.disconnect()
  await until('bob is gone', async () => (await ann.get(url)).json<CafePresence>().userCount === 1)
})

t.test('GET: pages', async t => {
  const app = await listen(t)
  const cafe = await open(app)
  const people = await Promise.all(Array.from({ length: 5 }, (_, index) => enter(app, `guest ${index}`)))
  for (const { token } of people) await ask(await connect(t, app, token), 'join:cafe', { cafeId: cafe.id })
  const found: string[] = []
  let cursor: string | undefined
  for (let page = 1; page <= 3; page++) {
    const answer = (await people[0]!.get(`/api/chat/presence/${cafe.id}?limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`)).json<CafePresence>()
    t.equal(answer.userCount, 5)
    found.push(...answer.users.map(({ id }) => id))
    cursor = answer.nextCursor
    t.equal(cursor === undefined, page === 3)
  }
  t.strictSame(found, people.map(({ user }) => user.id).toSorted())
})

t.test('GET: some users', async t => {
  const app = await listen(t, { PRESENCE_HEARTBEAT: '100' })
  const [ann, bob, cem] = [await enter(app, 'ann'), await enter(app, 'bob'), await enter(app, 'cem')]
  const cafe = await open(app)
  const socket = await connect(t, app, ann.token)
  await ask(socket, 'join:cafe', { cafeId: cafe.id })
  const { textExpiresAt } = await ask(socket, 'presence:update', { status: 'busy', text: 'in a meeting', textForMs: 60_000 })
  const ask200 = async (...ids: string[]) => {
    const response = await bob.get(`/api/chat/presence?userIds=${ids.join(',')}`)
    t.equal(response.statusCode, 200)
    return response.json<UserPresences>().users
  }
  t.match(await ask200(bob.user.id, ann.user.id, ann.user.id), [{ id: ann.user.id, username: 'ann', status: 'busy', text: 'in a meeting', textExpiresAt }], 'each once; bob has not been seen yet')
  const before = new Date().toISOString()
  t.equal((await bob.post(`/api/chat/messages/${cafe.id}`, { content: 'hello' })).statusCode, 201)
  await until('his sending shows', async () => (await ask200(bob.user.id)).length === 1)
  const [seen] = await ask200(bob.user.id)
  t.match(seen, { id: bob.user.id, username: 'bob', status: 'offline' })
  t.ok(seen!.lastSeen >= before)
  await ask(socket, 'typing:start', { cafeId: cafe.id })
  await until('her typing shows', async () => (await ask200(ann.user.id))[0]!.lastSeen >= seen!.lastSeen)
  socket.disconnect()
  await until('she is gone', async () => (await ask200(ann.user.id))[0]!.status === 'offline')
  t.match(await ask200(ann.user.id), [{ text: 'in a meeting' }], 'her words stay')
  t.same(await ask200(cem.user.id), [])
  t.same(await ask200(...Array.from({ length: 200 }, (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`)), [])

  const invalid = { code: 'CHAT_VALIDATION', details: [{ field: 'userIds' }] }
  const many = Array.from({ length: 201 }, () => ann.user.id).join(',')
  for (const query of ['', '?userIds=', '?userIds=x', `?userIds=${ann.user.id},`, `?userIds=${ann.user.id}&userIds=${bob.user.id}`, `?userIds=${many}`, '?userIds=*']) {
    t.match((await bob.get(`/api/chat/presence${query}`)).json(), invalid, query.slice(0, 60))
  }
  t.equal((await app.inject({ url: `/api/chat/presence?userIds=${ann.user.id}` })).statusCode, 401)
})

t.test('GET: bad input', async t => {
  const app = await listen(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/presence/${cafe.id}`
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=']) {
    t.match((await ann.get(`${url}?${query}`)).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'limit' }] }, query)
  }
  for (const cursor of ['', 'x', '*']) {
    t.match((await ann.get(`${url}?cursor=${cursor}`)).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'cursor' }] }, `cursor ${cursor}`)
  }
  t.match((await ann.get('/api/chat/presence/*')).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'cafeId', rule: 'format' }] })
  const unknown = await ann.get(`/api/chat/presence/${unknownId}`)
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.equal((await app.inject({ url })).statusCode, 401)
})

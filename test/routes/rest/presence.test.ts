import t from 'tap'
import type { CafePresence } from '../../../schemas/presence.ts'
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

t.test('GET: bad input', async t => {
  const app = await listen(t)
  const ann = await enter(app, 'ann')
  const cafe = await open(app)
  const url = `/api/chat/presence/${cafe.id}`
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'limit=']) {
    t.match((await ann.get(`${url}?${query}`)).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'limit' }] }, query)
  }
  t.match((await ann.get('/api/chat/presence/*')).json(), { code: 'CHAT_VALIDATION', details: [{ field: 'cafeId', rule: 'format' }] })
  const unknown = await ann.get(`/api/chat/presence/${unknownId}`)
  t.equal(unknown.statusCode, 404)
  t.match(unknown.json(), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.equal((await app.inject({ url })).statusCode, 401)
})

import t from 'tap'
import { listen } from '../support/build.ts'
import { ask, call, connect, guest, heard, openCafe, until } from '../support/sockets.ts'

t.test('what REST does, sockets hear: both use the same services', async t => {
  const app = await listen(t)
  const [ann, bob] = [await guest(app, 'ann'), await guest(app, 'bob')]
  const { id: cafeId } = await openCafe(app, ann)
  const socket = await connect(t, app, bob.token)
  await ask(socket, 'join:cafe', { cafeId })
  const { message } = await call<{ message: { id: string } }>(app, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body: { content: 'hello from REST' }, status: 201 })
  await until('it is heard', () => heard(socket, 'message:new').length === 1)
  t.match(heard(socket, 'message:new')[0], { message })
  await call(app, 'DELETE', `/api/chat/messages/${message.id}`, { token: ann.token })
  await until('its deletion too', () => heard(socket, 'message:deleted').length === 1)
  t.match(await call(app, 'GET', `/api/chat/presence/${cafeId}`, { token: ann.token }), { userCount: 1, users: [{ username: 'bob' }] }, 'who sends over REST is not in the cafe for that')
})

t.test('events go to the sockets of a cafe, some to all but one user\'s', async t => {
  const app = await listen(t)
  const [ann, bob] = [await guest(app, 'ann'), await guest(app, 'bob')]
  const [here, elsewhere] = [await openCafe(app, ann), await openCafe(app, ann)]
  const sockets = {
    ann: await connect(t, app, ann.token, { auth: { cafeId: here.id } }),
    annToo: await connect(t, app, ann.token, { auth: { cafeId: here.id } }),
    bob: await connect(t, app, bob.token, { auth: { cafeId: here.id } }),
    other: await connect(t, app, bob.token, { auth: { cafeId: elsewhere.id } }),
    nowhere: await connect(t, app, bob.token)
  }
  await until('all are in', () => [sockets.ann, sockets.annToo, sockets.bob, sockets.other].every(socket => heard(socket, 'message:history').length === 1))
  await ask(sockets.ann, 'typing:start', { cafeId: here.id })
  await ask(sockets.ann, 'presence:update', { status: 'busy' })
  await until('the last of it is heard', () => heard(sockets.bob, 'presence:update').length === 1)
  const hearers = (event: 'typing:indicator' | 'presence:update') => Object.entries(sockets).filter(([, socket]) => heard(socket, event).length > 0).map(([name]) => name)
  t.same(hearers('typing:indicator'), ['bob'])
  t.same(hearers('presence:update'), ['ann', 'annToo', 'bob'])
})

t.test('closing ends what the services hold', async t => {
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  const app = await listen(t)
  const ann = await guest(app, 'ann')
  const { id: cafeId } = await openCafe(app, ann)
  const socket = await connect(t, app, ann.token, { auth: { cafeId } })
  await ask(socket, 'typing:start', { cafeId })
  await ask(socket, 'message:send', { cafeId, content: 'espresso' })
  await until('topics are told', () => heard(socket, 'topics:update').length === 1)
  t.ok(timers() > before)
  await app.close()
  await until('no timer is left', () => timers() <= before)
})

import t from 'tap'
import { clientEvents, serverEvents } from '../../../schemas/events.ts'
import { listen } from '../../support/build.ts'
import { ask, guest, heard, heardAll, once, open } from '../../support/sockets.ts'
import { enter, found } from './cast.ts'

/** The tables of the specification: events and the fields that a client which knows nothing else builds on. */
const specified = {
  toServer: {
    'join:cafe': ['cafeId'],
    'leave:cafe': ['cafeId'],
    'message:send': ['cafeId', 'content'],
    'typing:start': ['cafeId'],
    'typing:stop': ['cafeId'],
    'presence:update': ['status']
  },
  toClient: {
    connected: { userId: String },
    'message:new': { message: Object },
    'message:history': { messages: Array },
    'users:update': { cafeId: String, userCount: Number, action: String, user: { id: String, username: String } },
    'typing:indicator': { userId: String, username: String, isTyping: Boolean },
    'topics:update': { topics: Array },
    error: { code: String, message: String }
  }
} as const

const message = { id: String, cafeId: String, userId: String, username: String, content: String, createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, deleted: false }

t.test('every event of the specification is declared, with its fields', async t => {
  for (const [name, fields] of Object.entries(specified.toServer)) {
    const { payload } = clientEvents[name as keyof typeof specified.toServer]
    t.same(payload.required, fields, `${name} needs no other fields`)
  }
  t.same(Object.keys(specified.toClient).filter(name => !(name in serverEvents)), [], 'every server event')
})

t.test('a conversation in which every event occurs', async t => {
  const app = await listen(t)
  const cafe = await found(app)
  const cafeId = cafe.id
  const ann = await enter(t, app, 'ann')
  const bob = await enter(t, app, 'bob')

  t.match(await ask(ann.socket, 'join:cafe', { cafeId }), { cafeId, rev: 0, seq: 0, userCount: 1, recovered: false })
  t.match(await ask(bob.socket, 'join:cafe', { cafeId }), { userCount: 2 })
  t.same(await ask(bob.socket, 'typing:start', { cafeId }), { cafeId })
  t.same(await ask(bob.socket, 'typing:stop', { cafeId }), { cafeId })
  t.same(await ask(bob.socket, 'presence:update', { status: 'busy' }), { status: 'busy' })
  const topics = once(ann.socket, 'topics:update')
  const sent = await ask(bob.socket, 'message:send', { cafeId, content: 'croissants are ready' })
  t.match(sent, { message: { ...message, content: 'croissants are ready', username: 'bob', userId: bob.user.id }, duplicate: false })
  t.ok((await topics).topics.includes('croissants'))
  t.match(await ask(bob.socket, 'message:edit', { messageId: sent.message.id, content: 'they are gone' }), { message: { content: 'they are gone', seq: 1, rev: 2 } })
  t.match(await ask(bob.socket, 'message:delete', { messageId: sent.message.id }), { messageId: sent.message.id, seq: 1, rev: 3 })
  t.same(await ask(bob.socket, 'leave:cafe', { cafeId }), { cafeId })
  ann.socket.emit('leave:cafe', { cafeId: 'nowhere' } as never, undefined as never)
  await once(ann.socket, 'error')

  t.match(await ask(ann.socket, 'auth:refresh', { token: ann.token }), { user: ann.user })
  const expired = once(bob.socket, 'auth:expired')
  await app.services.revocations.revoke({ ...ann.user, role: 'admin' }, { userId: bob.user.id })
  t.same(await expired, { reason: 'revoked' })

  const draining = once(ann.socket, 'server:draining')
  await app.close()
  t.match(await draining, { reconnectAfterMs: Number })

  t.same(new Set(['auth:expired', ...heardAll(ann.socket).map(([name]) => name)]), new Set([...Object.keys(serverEvents), 'ack']), 'ann heard every server event but the last of bob')
  for (const [name, fields] of Object.entries(specified.toClient)) {
    t.match(heard(ann.socket, name as keyof typeof specified.toClient)[0], fields, name)
  }
  t.match(heard(ann.socket, 'message:new')[0]?.message, message)
})

t.test('a client that knows only the specification gets along', async t => {
  const app = await listen(t)
  const cafe = await found(app)
  const { token } = await guest(app, 'ann')
  const socket = open(t, app, token)
  // No acks, no patience: all of it is on its way before the server has said a word.
  const plain = socket as unknown as { emit: (event: string, payload: object) => void }
  plain.emit('join:cafe', { cafeId: cafe.id })
  plain.emit('message:send', { cafeId: cafe.id, content: 'good coffee this morning' })
  plain.emit('typing:start', { cafeId: cafe.id })
  await once(socket, 'topics:update')
  const [first, second] = heardAll(socket)
  t.equal(first?.[0], 'connected')
  t.match(second, ['message:history', { messages: [] }])
  t.match(heard(socket, 'message:new'), [{ message: { content: 'good coffee this morning' } }])
  t.same(heard(socket, 'error'), [])
})

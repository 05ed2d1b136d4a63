/** What goes well: everything that a client can do, over both transports. */
import type { Cafe, CafeList, CafePresence, MessagePage, SendReply } from '../../schemas/index.ts'
import { once } from '../support/sockets.ts'
import { operations } from './documents.ts'
import { bearerOf } from './doors.ts'
import { type Place, rightRequest } from './requests.ts'
import { issue, type Visitors } from './visitor.ts'

/** More than CHAT_TYPING_ROOM, and more at once than the room hears of one by one. */
const CROWD = 8

/** Every event in both directions, in a small room. */
export async function converse ({ call, enter, connect, ask }: Visitors) {
  const [ann, bob] = await Promise.all([enter('Ann'), enter('Bob')])
  const { id: cafeId } = await call<Cafe>(ann.token, 'openCafe', 201, { body: { name: 'Corner Table' } })
  const annSocket = await connect(ann.token)
  await ask(annSocket, 'join:cafe', { cafeId })
  const cameIn = once(annSocket, 'users:update', ({ action }) => action === 'join')
  // The handshake joins as well.
  const bobSocket = await connect(bob.token, { auth: { cafeId } })
  await cameIn

  const typing = once(annSocket, 'typing:indicator', ({ isTyping }) => isTyping)
  await ask(bobSocket, 'typing:start', { cafeId })
  await typing
  const still = once(annSocket, 'typing:indicator', ({ isTyping }) => !isTyping)
  await ask(bobSocket, 'typing:stop', { cafeId })
  await still
  // In each of his states: online, away, busy, offline.
  const lookAtBob = () => call(ann.token, 'findUsers', 200, { query: `?userIds=${bob.user.id}` })
  await lookAtBob()
  const status = once(annSocket, 'presence:update')
  await ask(bobSocket, 'presence:update', { status: 'away', text: 'Mittagspause ☕', textForMs: 60_000 })
  await status
  await call(ann.token, 'listMembers', 200, { id: cafeId })
  await lookAtBob()
  await ask(bobSocket, 'presence:update', { status: 'busy' })
  await lookAtBob()

  const [said, topics] = [once(annSocket, 'message:new'), once(annSocket, 'topics:update')]
  const send = { cafeId, content: 'Croissants are ready', clientId: 'one' }
  const { message } = await ask(bobSocket, 'message:send', send)
  await ask(bobSocket, 'message:send', send)
  await Promise.all([said, topics])
  const edited = once(annSocket, 'message:updated')
  await ask(bobSocket, 'message:edit', { messageId: message.id, content: 'Croissants are gone' })
  await edited
  const deleted = once(annSocket, 'message:deleted')
  await ask(bobSocket, 'message:delete', { messageId: message.id })
  await deleted

  const wentAway = once(annSocket, 'users:update', ({ action }) => action === 'leave')
  await ask(bobSocket, 'leave:cafe', { cafeId })
  await wentAway
  await lookAtBob()
  const recovered = once(bobSocket, 'message:history', ({ recovered }) => recovered)
  await ask(bobSocket, 'join:cafe', { cafeId, since: 0 })
  await recovered
  const failed = once(bobSocket, 'error')
  bobSocket.emit('leave:cafe', { cafeId: 'the other one' }, undefined as never)
  await failed
}

/** A room so large and busy that it hears summaries. */
export async function crowdIn ({ call, enter, connect, ask }: Visitors) {
  const people = await Promise.all(Array.from({ length: CROWD }, (_, index) => enter(`Visitor ${index}`)))
  const [first] = people
  const { id: cafeId } = await call<Cafe>(first!.token, 'openCafe', 201, { body: { name: 'Long Table' } })
  const sockets = await Promise.all(people.map(({ token }) => connect(token)))
  const [watcher, ...others] = sockets
  await ask(watcher!, 'join:cafe', { cafeId })
  const summary = once(watcher!, 'users:update', ({ action }) => action === 'sync')
  await Promise.all(others.map(socket => ask(socket, 'join:cafe', { cafeId })))
  await summary
  const typing = once(watcher!, 'typing:indicator', ({ count }) => count !== undefined)
  await Promise.all(others.map(socket => ask(socket, 'typing:start', { cafeId })))
  await typing
}

/** A message in a cafe, of somebody who is in it. */
export async function settle ({ call, enter, connect, ask }: Visitors): Promise<Place & { token: string }> {
  const { token } = await enter('Eve')
  const { id: cafeId } = await call<Cafe>(token, 'openCafe', 201, { body: { name: 'Window Seat' } })
  const { message } = await call<SendReply>(token, 'sendMessage', 201, { id: cafeId, body: { content: 'Espresso, anybody?', clientId: 'first' } })
  await ask(await connect(token), 'join:cafe', { cafeId })
  return { token, cafeId, messageId: message.id }
}

/** Every operation, and what of it needs an order: duplicates, tags, cursors. */
export async function browse ({ call, attempt }: Visitors, place: Place & { token: string }) {
  const { token, cafeId: id } = place
  // What is deleted cannot be edited.
  const last = ({ id }: { id: string }) => id === 'deleteMessage'
  for (const operation of operations.toSorted((a, b) => Number(last(a)) - Number(last(b)))) {
    const status = Math.max(...[...operation.answers.keys()].filter(status => status < 300))
    await call(bearerOf(operation.id, token), operation.id, status, rightRequest(operation, place))
  }
  await call(token, 'sendMessage', 200, { id, body: { content: 'Espresso, anybody?', clientId: 'first' } })
  await call(token, 'enterAsGuest', 201)
  const tag = (await attempt(token, 'readMessages', { id })).headers.get('etag')!
  await call(token, 'readMessages', 304, { id, headers: { 'if-none-match': tag } })
  const { messages } = await call<MessagePage>(token, 'readMessages', 200, { id, query: '?limit=1' })
  await call(token, 'readMessages', 200, { id, query: `?before=${messages[0]!.seq}` })
  const { nextCursor } = await call<CafeList>(token, 'listCafes', 200, { query: '?limit=1' })
  await call(token, 'listCafes', 200, { query: `?cursor=${nextCursor}` })
  const { users } = await call<CafePresence>(token, 'listMembers', 200, { id, query: '?limit=1' })
  await call(token, 'findUsers', 200, { query: `?userIds=${users[0]!.id}` })
  for (const role of ['moderator', 'admin']) await call(issue(undefined, role), 'refreshToken', 200)
}

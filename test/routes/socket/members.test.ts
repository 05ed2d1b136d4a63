import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { MessagePage } from '../../../schemas/messages.ts'
import { ask, call, emit, heard, once, refused, until } from '../../support/sockets.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { contents, createShapes, enter, found, redisOf, visit, wait } from './cast.ts'

const { onBoth, app, one } = await createShapes(t)
const notMember = { code: 'CHAT_NOT_MEMBER' }

await onBoth('sending and typing are for members', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await enter(t, there, 'bob')

  t.match(await refused(bob.socket, 'message:send', { cafeId, content: 'hello?' }), notMember)
  t.match(await refused(bob.socket, 'typing:start', { cafeId }), notMember)
  t.match(await refused(bob.socket, 'typing:stop', { cafeId }), notMember)
  t.match(await refused(bob.socket, 'leave:cafe', { cafeId }), notMember)

  const [, sent] = await Promise.all([emit(bob.socket, 'join:cafe', { cafeId }), emit(bob.socket, 'message:send', { cafeId, content: 'right behind it' })])
  t.ok(sent.ok, 'a send need not wait for the join that it follows')

  const tab = await bob.tab(there)
  t.match(await refused(tab, 'message:send', { cafeId, content: 'me too' }), notMember, 'the join of another socket does not count')

  const { id: elsewhere } = await found(here)
  t.match(await refused(bob.socket, 'message:send', { cafeId: elsewhere, content: 'hello?' }), notMember, 'nor that of another cafe')
  t.match(await refused(bob.socket, 'message:send', { cafeId: randomUUID(), content: 'hello?' }), notMember)

  await ask(bob.socket, 'leave:cafe', { cafeId })
  t.match(await refused(bob.socket, 'message:send', { cafeId, content: 'one more thing' }), notMember)
  t.match(await refused(bob.socket, 'typing:start', { cafeId }), notMember)
  await wait(50)
  t.same(heard(ann.socket, 'message:new').map(({ message }) => message.content), ['right behind it'])
  t.same(heard(ann.socket, 'typing:indicator'), [])
  await checkLog(t, here.pg.pool)
})

t.test('a send behind a join that fails', async t => {
  const ann = await enter(t, app, 'ann')
  const cafeId = randomUUID()
  const [joined, sent] = await Promise.all([emit(ann.socket, 'join:cafe', { cafeId }), emit(ann.socket, 'message:send', { cafeId, content: 'hello?' })])
  t.match([joined, sent], [{ ok: false, error: { code: 'CHAT_CAFE_NOT_FOUND' } }, { ok: false, error: notMember }])
  t.same(await app.stores.hot.presence.counts([cafeId]), [0], 'nobody is counted in a cafe that is not there')
})

await onBoth('deleting', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const [ann, bob] = [await visit(t, here, 'ann', cafeId), await visit(t, there, 'bob', cafeId)]
  const write = async (content: string) => (await ask(ann.socket, 'message:send', { cafeId, content })).message.id
  const ids = [await write('first secret'), await write('second secret'), await write('third secret'), await write('stays')]
  await until('both have them', () => heard(bob.socket, 'message:new').length === 4)

  t.match(await refused(bob.socket, 'message:delete', { messageId: ids[0] }), { code: 'CHAT_FORBIDDEN' })
  t.match(await refused(bob.socket, 'message:delete', { messageId: randomUUID() }), { code: 'CHAT_MESSAGE_NOT_FOUND' })
  await call(there, 'DELETE', `/api/chat/messages/${ids[0]}`, { token: bob.token, status: 403 })

  const gone = [once(ann.socket, 'message:deleted'), once(bob.socket, 'message:deleted')]
  t.same(await ask(ann.socket, 'message:delete', { messageId: ids[0]! }), { messageId: ids[0], seq: 1, rev: 5 })
  for (const event of await Promise.all(gone)) t.match(event, { cafeId, messageId: ids[0], seq: 1, rev: 5 }, 'members learn it live')

  const moderator = await enter(t, there, 'mod', 'moderator')
  const admin = await enter(t, there, 'root', 'admin')
  t.match(await ask(moderator.socket, 'message:delete', { messageId: ids[1]! }), { seq: 2, rev: 6 }, 'a moderator may, without a join')
  t.match(await ask(admin.socket, 'message:delete', { messageId: ids[2]! }), { seq: 3, rev: 7 })
  t.same(await ask(ann.socket, 'message:delete', { messageId: ids[1]! }), { messageId: ids[1], seq: 2, rev: 6 }, 'twice is harmless')
  t.match(await refused(bob.socket, 'message:delete', { messageId: ids[1] }), { code: 'CHAT_FORBIDDEN' }, 'a tombstone is not everybody\'s')
  await until('both know', () => [ann, bob].every(({ socket }) => heard(socket, 'message:deleted').length === 3))
  t.same(heard(bob.socket, 'message:deleted').map(({ rev }) => rev), [5, 6, 7], 'each once, in order')

  // Every place a text may be read from, by whoever.
  await until('the list follows', async () => (await there.stores.hot.recent.read(cafeId))?.rev === 7)
  const cem = await visit(t, there, 'cem', cafeId)
  const places: Record<string, unknown> = {
    'a later join': heard(cem.socket, 'message:history'),
    'who comes back': (await ask(bob.socket, 'join:cafe', { cafeId, since: 1 }), heard(bob.socket, 'message:history').at(-1)),
    'recent messages': await here.stores.hot.recent.read(cafeId),
    'REST history': await call<MessagePage>(here, 'GET', `/api/chat/messages/${cafeId}`, { token: ann.token }),
    'REST history by cursor': await call<MessagePage>(there, 'GET', `/api/chat/messages/${cafeId}?after=0`, { token: ann.token })
  }
  for (const [place, value] of Object.entries(places)) {
    t.match(JSON.stringify(value), /stays/, `${place}: the others are there`)
    t.notMatch(JSON.stringify(value), /secret/, `${place}: the text is gone`)
  }
  t.match(places['REST history'], { total: 4, messages: [{ deleted: false }, { deleted: true, content: '' }, { deleted: true, content: '' }, { deleted: true, content: '' }] })
  await checkLog(t, here.pg.pool)
})

t.test('a retry of a send that was deleted since', async t => {
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  const send = { cafeId, content: 'first secret', clientId: 'send 1' }
  const { message } = await ask(ann.socket, 'message:send', send)
  await ask(ann.socket, 'message:delete', { messageId: message.id })
  const again = await ask(ann.socket, 'message:send', send)
  t.match(again, { duplicate: true, message: { id: message.id, deleted: true, content: '' } }, 'is answered with the tombstone')
  t.match(await refused(ann.socket, 'message:send', { ...send, content: 'another text' }), { code: 'CHAT_CLIENT_ID_CONFLICT' })
})

t.test('text that was deleted is not in Redis either', async t => {
  const { id: cafeId } = await found(one)
  const ann = await visit(t, one, 'ann', cafeId)
  const { message } = await ask(ann.socket, 'message:send', { cafeId, content: 'secretive croissant' })
  const inRedis = async () => JSON.stringify(await contents(redisOf(one)))
  await until('the text is in the list, its words in the topics', async () => (await inRedis()).split('secretive').length > 2)
  await ask(ann.socket, 'message:delete', { messageId: message.id })
  await until('no key of it has the text', async () => !(await inRedis()).includes('secretive'))
  t.match(await contents(redisOf(one)), { [`cafe:${cafeId}:messages`]: [/"deleted":true/] }, 'the tombstone has')
})

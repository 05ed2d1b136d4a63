import t from 'tap'
import { listen } from '../../support/build.ts'
import { ask, connect, guest, heard, heardAll, once, openCafe, until } from '../../support/sockets.ts'

t.test('two people talk', async t => {
  const app = await listen(t)
  const [ann, bob] = await Promise.all([guest(app, 'ann'), guest(app, 'bob')])
  const cafe = await openCafe(app, ann)
  const annSocket = await connect(t, app, ann.token)
  const bobSocket = await connect(t, app, bob.token)

  t.match(heardAll(annSocket)[0], ['connected', { userId: ann.user.id, username: 'ann', limits: { maxLength: 500, historyLimit: 50, typingTimeoutMs: 3000 } }])
  const joined = await ask(annSocket, 'join:cafe', { cafeId: cafe.id })
  t.same(joined, { cafeId: cafe.id, rev: 0, seq: 0, userCount: 1, recovered: false })
  t.same(heard(annSocket, 'message:history'), [{ cafeId: cafe.id, messages: [], rev: 0, recovered: false }])
  await until('the joiner hears the count', () => heard(annSocket, 'users:update').length === 1)
  t.same(heard(annSocket, 'users:update'), [{ cafeId: cafe.id, userCount: 1, action: 'join', user: { id: ann.user.id, username: 'ann' } }])

  const update = once(annSocket, 'users:update', ({ userCount }) => userCount === 2)
  t.equal((await ask(bobSocket, 'join:cafe', { cafeId: cafe.id })).userCount, 2)
  t.match(await update, { action: 'join', user: { username: 'bob' } })

  const typing = once(annSocket, 'typing:indicator')
  await ask(bobSocket, 'typing:start', { cafeId: cafe.id })
  t.same(await typing, { cafeId: cafe.id, userId: bob.user.id, username: 'bob', isTyping: true })

  const topics = once(annSocket, 'topics:update')
  const [heardByAnn, heardByBob, sent] = await Promise.all([
    once(annSocket, 'message:new'), once(bobSocket, 'message:new'), ask(bobSocket, 'message:send', { cafeId: cafe.id, content: 'espresso please', clientId: '1' })
  ])
  t.same(heardByAnn, heardByBob)
  t.same(sent, { message: heardByAnn.message, duplicate: false })
  t.match(sent.message, { cafeId: cafe.id, userId: bob.user.id, username: 'bob', content: 'espresso please', deleted: false, seq: 1, rev: 1, clientId: '1' })
  t.match(heard(annSocket, 'typing:indicator').at(-1), { isTyping: false }, 'sending ends typing')
  t.same(heard(bobSocket, 'typing:indicator'), [], 'the typist hears nothing of it')

  t.ok((await topics).topics.includes('espresso'))

  const status = once(annSocket, 'presence:update')
  await ask(bobSocket, 'presence:update', { status: 'away' })
  t.match(await status, { cafeId: cafe.id, userId: bob.user.id, username: 'bob', status: 'away' })

  const gone = once(annSocket, 'message:deleted')
  await ask(bobSocket, 'message:delete', { messageId: sent.message.id })
  t.match(await gone, { cafeId: cafe.id, messageId: sent.message.id, seq: 1, rev: 2 })

  const left = once(annSocket, 'users:update', ({ action }) => action === 'leave')
  bobSocket.disconnect()
  t.match(await left, { userCount: 1, user: { username: 'bob' } })
})

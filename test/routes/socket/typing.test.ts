import t from 'tap'
import { type Client, ask, call, heard, until } from '../../support/sockets.ts'
import { createShapes, enter, found, visit, wait } from './cast.ts'

const { onBoth } = await createShapes(t, { CHAT_TYPING_TIMEOUT: '600', CHAT_LIMITS: 'off' })

/** What a socket heard of typing: `+ann` began, `-ann` ceased. */
const seen = (socket: Client) => heard(socket, 'typing:indicator').map(({ username, isTyping }) => `${isTyping ? '+' : '-'}${username}`)

await onBoth('whatever ends it, others hear one pair', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const cem = await visit(t, here, 'cem', cafeId)
  const tab = await ann.tab(there, { auth: { cafeId } })
  await until('the tab is in', () => heard(tab, 'message:history').length === 1)
  const outsider = await enter(t, there, 'dan')
  let pairs = 0
  const pair = async (what: string) => {
    pairs++
    for (const { socket } of [bob, cem]) {
      await until(`${what} is told`, () => seen(socket).length === 2 * pairs)
      t.same(seen(socket).slice(-2), ['+ann', '-ann'], what)
    }
  }
  const start = () => ask(ann.socket, 'typing:start', { cafeId })

  await start()
  await ask(ann.socket, 'typing:stop', { cafeId })
  await pair('stop')

  await start()
  await ask(ann.socket, 'message:send', { cafeId, content: 'hello' })
  await pair('send')

  await start()
  await call(there, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body: { content: 'by REST' } })
  await pair('a send over REST, on whichever node')

  await start()
  await pair('timeout')

  for (let n = 0; n < 8; n++) {
    await start()
    await wait(100)
  }
  t.equal(seen(bob.socket).length, 2 * pairs + 1, 'longer than the timeout, and still one')
  await ask(ann.socket, 'leave:cafe', { cafeId })
  await pair('leave')

  await ask(ann.socket, 'join:cafe', { cafeId })
  await start()
  ann.socket.disconnect()
  await pair('disconnect')

  t.same(seen(tab), [], 'the typist\'s other tab hears nothing')
  t.same(seen(outsider.socket), [], 'nor who is not in the cafe')
  t.match(heard(bob.socket, 'typing:indicator')[0], { cafeId, userId: ann.user.id, username: 'ann', isTyping: true })
})

await onBoth('two tabs are one typist', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const tab = await ann.tab(there)
  await ask(tab, 'join:cafe', { cafeId })
  await ask(ann.socket, 'typing:start', { cafeId })
  await ask(tab, 'typing:start', { cafeId })
  await ask(ann.socket, 'typing:stop', { cafeId })
  await wait(100)
  t.same(seen(bob.socket), ['+ann'], 'one of them goes on')
  await ask(tab, 'typing:stop', { cafeId })
  await until('both ceased', () => seen(bob.socket).length === 2)
  await wait(700)
  t.same(seen(bob.socket), ['+ann', '-ann'])
  t.same([...seen(ann.socket), ...seen(tab)], [])
})

await onBoth('who comes in the middle of it hears one pair too', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  await ask(ann.socket, 'typing:start', { cafeId })
  await until('bob hears it', () => heard(bob.socket, 'typing:indicator').length === 1)
  const cem = await visit(t, there, 'cem', cafeId)
  const tab = await ann.tab(there, { auth: { cafeId } })
  await until('ann is here once more', () => heard(tab, 'message:history').length === 1)
  await ask(bob.socket, 'join:cafe', { cafeId })
  await ask(ann.socket, 'typing:stop', { cafeId })
  for (const { socket } of [bob, cem]) {
    await until('it is over', () => heard(socket, 'typing:indicator').length === 2)
    t.match(heard(socket, 'typing:indicator'), [{ userId: ann.user.id, isTyping: true }, { userId: ann.user.id, isTyping: false }])
  }
  t.same(heard(tab, 'typing:indicator'), [], 'she does not hear of herself')
})

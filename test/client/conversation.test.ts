import t from 'tap'
import { call, guest, openCafe, until } from '../support/sockets.ts'
import { listen } from '../support/build.ts'
import type { Session } from '../../schemas/users.ts'
import { CAFE, enter, texts } from './cast.ts'

t.test('two people talk', async t => {
  const { url } = await listen(t)
  const [ann, bob] = await Promise.all(['Ann', 'Bob'].map(name => guest({ url }, name))) as [Session, Session]
  const { id } = await openCafe({ url }, ann)
  const [annClient, bobClient] = [enter(t, { url, token: ann.token }), enter(t, { url: `${url}/`, token: bob.token })]
  t.equal(annClient.status.state, 'connecting')
  const [annCafe, bobCafe] = [annClient.join(id), bobClient.join(id)]

  await t.test('joining', async t => {
    t.equal(annCafe.state, 'joining')
    t.equal(await annCafe.whenJoined(), annCafe)
    await bobCafe.whenJoined()
    t.equal(annClient.join(id), annCafe, 'the same cafe')
    t.equal(annClient.status.state, 'online')
    t.match(annClient.user, { id: ann.user.id, username: 'Ann' })
    t.match(annClient.limits, { maxLength: 500 })
    t.strictSame([annCafe.state, annCafe.error, annCafe.messages, annCafe.hasOlder], ['joined', undefined, [], false])
    await until('both know of each other', () => annCafe.userCount === 2 && bobCafe.userCount === 2)
  })

  await t.test('sending', async t => {
    let told = 0
    const leave = annCafe.subscribe(() => { told++ })
    const sending = annCafe.send('Hello everyone!')
    t.match(annCafe.messages, [{ content: 'Hello everyone!', state: 'pending', userId: ann.user.id, username: 'Ann', id: sending.clientId, clientId: sending.clientId }])
    t.ok(Object.isFrozen(annCafe.messages))
    t.equal((await sending.settled()).state, 'sent')
    t.match(sending.message, { content: 'Hello everyone!', seq: 1, clientId: sending.clientId })
    t.strictSame(annCafe.messages, [sending.message])
    t.equal(annCafe.messages, annCafe.messages)
    await until('Bob has it', () => bobCafe.messages.length === 1)
    t.strictSame(bobCafe.messages, annCafe.messages)
    t.ok(told > 0)
    leave()
    t.equal(annCafe.retry(sending), undefined, 'there is nothing to send again')
    annCafe.discard(sending)
    t.equal(sending.state, 'sent')
  })

  await t.test('many at once, in order', async t => {
    const lines = Array.from({ length: 15 }, (_, index) => `line ${index}`)
    const sendings = lines.map(line => annCafe.send(line))
    t.strictSame(texts(annCafe).slice(1), lines)
    await Promise.all(sendings.map(({ settled }) => settled()))
    t.strictSame(texts(annCafe).slice(1), lines)
    await until('Bob has them', () => bobCafe.messages.length === 16)
    t.strictSame(texts(bobCafe).slice(1), lines)
  })

  await t.test('edits and deletions', async t => {
    const [first, second] = annCafe.messages
    const edited = await annCafe.edit(first!, 'Hello everybody!')
    t.match(edited, { id: first!.id, content: 'Hello everybody!' })
    await annCafe.delete(second!.id)
    await until('both see it', () => [annCafe, bobCafe].every(({ messages }) => messages[1]!.deleted && messages[0]!.content === 'Hello everybody!'))
    t.match(annCafe.messages[1], { content: '', deletedAt: String })
    await t.rejects(bobCafe.edit(first!, 'mine'), { name: 'ChatError', code: 'CHAT_FORBIDDEN' })
    await t.rejects(bobCafe.delete('nothing'), { code: 'CHAT_VALIDATION', details: [{ field: 'messageId' }] })
  })

  await t.test('what is refused for good stays, and the next one goes', async t => {
    const [blank, long, repeated, good] = ['   ', 'x'.repeat(501), 'line 14', 'and on'].map(text => annCafe.send(text))
    await Promise.all([blank, long, repeated, good].map(one => one!.settled()))
    t.match([blank, long, repeated, good], [
      { state: 'failed', error: { code: 'CHAT_CONTENT_INVALID' } },
      { state: 'failed', error: { code: 'CHAT_CONTENT_INVALID', details: [{ field: 'content', rule: 'maxLength' }] } },
      { state: 'failed', error: { code: 'CHAT_REPEATED', retryAfterMs: Number } },
      { state: 'sent' }
    ])
    t.strictSame(annCafe.messages.slice(-4).map(({ content, state }) => [content.length, state]), [[6, undefined], [3, 'failed'], [501, 'failed'], [7, 'failed']])
    t.equal(annCafe.retry(blank!), blank)
    t.equal(blank!.state, 'pending')
    await blank!.settled()
    t.equal(blank!.state, 'failed')
    for (const { clientId } of [blank!, long!, repeated!]) annCafe.discard({ clientId })
    t.equal(long!.state, 'discarded')
    t.notOk(annCafe.messages.some(({ state }) => state !== undefined))
  })

  await t.test('typing', async t => {
    for (let key = 0; key < 10; key++) annCafe.typing()
    await until('Bob sees it', () => bobCafe.typists.length === 1)
    t.strictSame(bobCafe.typists, [{ id: ann.user.id, username: 'Ann' }])
    t.equal(bobCafe.typistCount, 1)
    t.strictSame(annCafe.typists, [], 'of oneself one hears nothing')
    annCafe.typing(false)
    await until('Bob sees its end', () => bobCafe.typists.length === 0)
  })

  await t.test('who is here, and how they are', async t => {
    t.strictSame(annCafe.people, [], 'nobody asked')
    const page = await annCafe.members({ limit: 1 })
    t.match(page, { userCount: 2, users: { length: 1 }, nextCursor: String })
    await annCafe.members({ cursor: page.nextCursor! })
    t.strictSame(annCafe.people.map(({ username }) => username).toSorted(), ['Ann', 'Bob'])
    t.match(await bobClient.setStatus({ status: 'away', text: 'lunch' }), { status: 'away', text: 'lunch' })
    await until('Ann sees it', () => annCafe.people.some(({ status, text }) => status === 'away' && text === 'lunch'))
    await t.rejects(bobClient.setStatus({ status: 'asleep' as never }), { code: 'CHAT_VALIDATION' })
  })

  await t.test('topics', async t => {
    await until('they are told', async () => annCafe.topics.includes('line') || annCafe.topics.length > 0)
    const { topics, details } = await bobCafe.loadTopics()
    t.strictSame(bobCafe.topics, topics)
    t.equal(details.length, topics.length)
  })

  await t.test('any other route', async t => {
    t.match(await annClient.call('GET', `/api/cafes/${id}`), { id, userCount: 2 })
    await t.rejects(annClient.call('GET', `/api/cafes/${CAFE}`), { code: 'CHAT_CAFE_NOT_FOUND' })
    await t.rejects(annClient.call('GET', '/nothing'), { code: 'CLIENT_BAD_ANSWER' }, 'what is not of klatsch')
  })

  await t.test('leaving', async t => {
    await bobCafe.leave()
    await bobCafe.leave()
    t.equal(bobCafe.state, 'left')
    await until('Ann sees it', () => annCafe.userCount === 1)
    t.strictSame(annCafe.people.map(({ username }) => username), ['Ann'])
    t.match(bobCafe.send('too late'), { state: 'failed', error: { code: 'CLIENT_CLOSED' } })
    await t.rejects(bobCafe.whenJoined(), { code: 'CLIENT_CLOSED' })
    const again = bobClient.join(id)
    t.not(again, bobCafe)
    await again.whenJoined()
    t.strictSame(again.messages, annCafe.messages)
  })

  await t.test('closing', async t => {
    bobClient.close()
    bobClient.close()
    t.equal(bobClient.status.state, 'closed')
    await t.rejects(bobClient.setStatus({ status: 'online' }), { code: 'CLIENT_CLOSED' })
    await t.rejects(bobClient.call('GET', '/api/cafes'), { code: 'CLIENT_CLOSED' })
    t.equal(bobClient.join(id).state, 'left')
    bobClient.reconnect()
    t.equal(bobClient.status.state, 'closed')
  })
})

t.test('scrolling back: page by page to the first, within bounds, over edits', async t => {
  const { url } = await listen(t, { CHAT_LIMITS: 'off', CHAT_HISTORY_LIMIT: '20' })
  const ann = await guest({ url }, 'Ann')
  const { id } = await openCafe({ url }, ann)
  for (let index = 1; index <= 180; index++) await call({ url }, 'POST', `/api/chat/messages/${id}`, { token: ann.token, body: { content: `line ${index}` } })
  const cafe = enter(t, { url, token: ann.token, window: 50, scrollback: 100 }).join(id)
  await cafe.whenJoined()
  t.equal(cafe.messages.length, 20)
  t.ok(cafe.hasOlder)
  const [once, twice] = await Promise.all([cafe.loadOlder(), cafe.loadOlder()])
  t.strictSame([once, twice, cafe.messages.length], [50, 50, 70], 'the same page for both')
  await cafe.edit(cafe.messages[0]!, 'edited')
  await until('the edit is there', () => cafe.messages[0]!.content === 'edited')
  t.equal(await cafe.loadOlder(), 50)
  t.equal(await cafe.loadOlder(), 50)
  t.strictSame([cafe.messages.length, cafe.messages.at(-1)!.seq], [150, 180])
  await t.rejects(cafe.loadOlder(), { code: 'CLIENT_WINDOW_FULL' })
  cafe.forgetOlder()
  t.strictSame(texts(cafe), Array.from({ length: 50 }, (_, index) => `line ${131 + index}`))

  const wide = enter(t, { url, token: ann.token }).join(id)
  await wide.whenJoined()
  while (wide.hasOlder) await wide.loadOlder()
  t.equal(wide.messages.length, 180)
  t.equal(await wide.loadOlder(), 0)
})

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { listen } from '../../support/build.ts'
import { ask, call, connect, emit, guest, openCafe, until } from '../../support/sockets.ts'

/** Joins and leaves that a client emits without waiting for acks. Each once stopped all that came after it on that socket. */
const sequences: Record<string, (x: string, y: string) => Array<[string, string]>> = {
  'a leave of another cafe behind a join': (x, y) => [['join:cafe', x], ['leave:cafe', y]],
  'a leave behind a join of a cafe that is not there': () => { const none = randomUUID(); return [['join:cafe', none], ['leave:cafe', none]] },
  'two leaves and a join': x => [['join:cafe', x], ['leave:cafe', x], ['leave:cafe', x], ['join:cafe', x]],
  'joins and leaves by turns': (x, y) => [['join:cafe', x], ['join:cafe', y], ['leave:cafe', x], ['join:cafe', x], ['leave:cafe', y], ['leave:cafe', y]]
}

for (const [name, steps] of Object.entries(sequences)) {
  t.test(`${name}: every step is answered, and nobody stays behind`, async t => {
    const app = await listen(t)
    const ann = await guest(app, 'ann')
    const [x, y] = await Promise.all([openCafe(app, ann), openCafe(app, ann)])
    const socket = await connect(t, app, ann.token)
    const acks = await Promise.all(steps(x.id, y.id).map(([event, cafeId]) => emit(socket, event, { cafeId })))
    for (const ack of acks) t.ok(ack.ok || ['CHAT_NOT_MEMBER', 'CHAT_CAFE_NOT_FOUND'].includes(ack.error.code))
    t.equal((await ask(socket, 'join:cafe', { cafeId: y.id })).userCount, 1, 'the queue goes on')
    socket.disconnect()
    const count = async (cafeId: string) => (await call<{ userCount: number }>(app, 'GET', `/api/chat/presence/${cafeId}`, { token: ann.token })).userCount
    await until('both are empty', async () => await count(x.id) + await count(y.id) === 0)
  })
}

t.test('a leave by handshake and leave of another cafe does not stop the socket', async t => {
  const app = await listen(t)
  const ann = await guest(app, 'ann')
  const [x, y] = await Promise.all([openCafe(app, ann), openCafe(app, ann)])
  const socket = await connect(t, app, ann.token, { auth: { cafeId: x.id } })
  t.match(await emit(socket, 'leave:cafe', { cafeId: y.id }), { ok: false, error: { code: 'CHAT_NOT_MEMBER' } })
  t.match(await emit(socket, 'leave:cafe', { cafeId: x.id }), { ok: true })
})

t.test('what is emitted behind a leave is refused, behind a join it passes, always', async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off' })
  const ann = await guest(app, 'ann')
  const cafe = await openCafe(app, ann)
  const socket = await connect(t, app, ann.token)
  const body = { cafeId: cafe.id }
  for (let round = 0; round < 10; round++) {
    const [, sent, typed, , late] = await Promise.all([
      emit(socket, 'join:cafe', body), emit(socket, 'message:send', { ...body, content: `${round}` }), emit(socket, 'typing:start', body),
      emit(socket, 'leave:cafe', body), emit(socket, 'message:send', { ...body, content: `late ${round}` })
    ])
    t.same([sent!.ok, typed!.ok, late!.ok], [true, true, false])
  }
})

t.test('joins and leaves that wait are bounded', async t => {
  const app = await listen(t)
  const ann = await guest(app, 'ann')
  const cafe = await openCafe(app, ann)
  const socket = await connect(t, app, ann.token)
  // Each of another cafe, that the database is asked for: they take longer to do than to come.
  const acks = await Promise.all(Array.from({ length: 300 }, () => emit(socket, 'join:cafe', { cafeId: randomUUID() })))
  const codes = acks.map(ack => ack.ok ? 'ok' : ack.error.code)
  const refused = codes.filter(code => code === 'CHAT_LIMIT_REACHED')
  t.ok(refused.length > 0, `${refused.length} of 300 refused`)
  t.equal(codes.filter(code => code === 'CHAT_CAFE_NOT_FOUND').length, 300 - refused.length)
  t.equal((await ask(socket, 'join:cafe', { cafeId: cafe.id })).userCount, 1)
})

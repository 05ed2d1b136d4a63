import { randomUUID } from 'node:crypto'
import t from 'tap'
import { listen } from '../../support/build.ts'
import { ask, emit } from '../../support/sockets.ts'
import { enter, found, listenTwice, visit } from './cast.ts'

for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
  t.test(`without Redis (${signal}) joins, typing and sends go on, and none waits longer than another`, async t => {
    const { one, redis } = await listenTwice(t)
    const [{ id: cafeId }, { id: other }] = [await found(one), await found(one)]
    const bob = await visit(t, one, 'bob', cafeId)
    await ask(bob.socket, 'join:cafe', { cafeId: other })
    const people = await Promise.all(Array.from({ length: 6 }, (_, n) => enter(t, one, `guest ${n}`)))
    redis.kill(signal)
    const slowest = { 'join:cafe': 0, 'typing:start': 0, 'message:send': 0 }
    for (const { socket } of people) {
      for (const [event, payload] of Object.entries({ 'join:cafe': { cafeId }, 'typing:start': { cafeId }, 'message:send': { cafeId, content: randomUUID() } })) {
        const start = Date.now()
        t.match(await emit(socket, event, payload), { ok: true }, event)
        slowest[event as keyof typeof slowest] = Math.max(slowest[event as keyof typeof slowest], Date.now() - start)
      }
    }
    t.ok(Object.values(slowest).every(ms => ms < 1500), JSON.stringify(slowest))
    if (signal === 'SIGSTOP') redis.kill('SIGCONT')
  })
}

t.test('CHAT_LIMITS=off lifts these too', async t => {
  const app = await listen(t, { CHAT_LIMITS: 'off', CHAT_JOIN_USER_RATE: '1', CHAT_TYPING_USER_RATE: '1', CHAT_PRESENCE_USER_RATE: '1' })
  const { id: cafeId } = await found(app)
  const ann = await visit(t, app, 'ann', cafeId)
  for (let n = 0; n < 10; n++) {
    for (const [event, payload] of Object.entries({ 'join:cafe': { cafeId }, 'typing:start': { cafeId }, 'presence:update': { status: 'away' } })) t.match(await emit(ann.socket, event, payload), { ok: true })
  }
})

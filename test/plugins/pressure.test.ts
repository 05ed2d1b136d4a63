import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { listen } from '../support/build.ts'
import { ask, call, connect, guest, openCafe, refused, until } from '../support/sockets.ts'

/** The event loop turns, but each turn is late. */
async function keepBusy (ms: number, each: number) {
  const until = performance.now() + ms
  while (performance.now() < until) {
    const end = performance.now() + each
    while (performance.now() < end);
    await delay(1)
  }
}

t.test('a node that is late takes no more on, goes on for those who are there, and is itself again within two seconds', async t => {
  const app = await listen(t, { PRESSURE_DELAY: '100' })
  const [ann, bob] = await Promise.all([guest(app, 'ann'), guest(app, 'bob')])
  const cafe = await openCafe(app, ann)
  const [member, newcomer] = [await connect(t, app, ann.token), await connect(t, app, bob.token)]
  await ask(member, 'join:cafe', { cafeId: cafe.id })

  await keepBusy(2500, 300)
  const began = performance.now()
  const body = await call(app, 'GET', '/api/cafes', { token: ann.token, status: 503 })
  t.match(body, { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  t.match(await refused(newcomer, 'join:cafe', { cafeId: cafe.id }), { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  t.match(await ask(member, 'message:send', { cafeId: cafe.id, content: 'still here' }), { message: { seq: 1 } })
  for (const path of ['/health/live', '/health/ready']) await call(app, 'GET', path)
  await until('requests are answered again', async () => (await fetch(`${app.url}/api/cafes`, { headers: { authorization: `Bearer ${ann.token}` } })).ok)
  t.match(await ask(newcomer, 'join:cafe', { cafeId: cafe.id }), { rev: 1 })
  t.ok(performance.now() - began < 2000, `after ${Math.round(performance.now() - began)} ms`)
})

t.test('a heap that is nearly full is pressure too', async t => {
  const app = await listen(t, { PRESSURE_HEAP: '1' })
  await delay(1100)
  t.match(await call(app, 'GET', '/api/cafes', { status: 503 }), { code: 'CHAT_UNAVAILABLE', message: 'This node has too much to do' })
})

t.test('0 is no bound', async t => {
  const app = await listen(t, { PRESSURE_DELAY: '0', PRESSURE_HEAP: '0' })
  await keepBusy(1500, 300)
  await guest(app, 'ann')
})

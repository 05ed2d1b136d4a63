import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { listen } from '../support/build.ts'
import { ask, call, connect, guest, openCafe, refused, until } from '../support/sockets.ts'

/** From now on the event loop turns, but each turn is late. @returns ends that */
function keepBusy (t: Test, ms: number): () => void {
  let busy = true
  const rest = () => { busy = false }
  t.teardown(rest)
  setImmediate(function block () {
    const end = performance.now() + ms
    while (performance.now() < end);
    if (busy) setTimeout(block, 1)
  })
  return rest
}

/** Longer than a sample of the event loop, and one before it. */
const SAMPLES_MS = 2500

t.test('a node that is late takes no more on, goes on for those who are there, and is soon itself again', { timeout: 60_000 }, async t => {
  const app = await listen(t, { PRESSURE_DELAY: '100' })
  const [ann, bob] = await Promise.all([guest(app, 'ann'), guest(app, 'bob')])
  const cafe = await openCafe(app, ann)
  const [member, newcomer] = [await connect(t, app, ann.token), await connect(t, app, bob.token)]
  await ask(member, 'join:cafe', { cafeId: cafe.id })

  const rest = keepBusy(t, 200)
  await delay(SAMPLES_MS)
  const body = await call(app, 'GET', '/api/cafes', { token: ann.token, status: 503 })
  t.match(body, { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  t.match(await refused(newcomer, 'join:cafe', { cafeId: cafe.id }), { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  t.match(await ask(member, 'message:send', { cafeId: cafe.id, content: 'still here' }), { message: { seq: 1 } })
  for (const path of ['/health/live', '/health/ready']) await call(app, 'GET', path)
  rest()
  await until('requests are answered again', async () => (await fetch(`${app.url}/api/cafes`, { headers: { authorization: `Bearer ${ann.token}` } })).ok)
  t.match(await ask(newcomer, 'join:cafe', { cafeId: cafe.id }), { rev: 1 })
})

t.test('a heap that is nearly full is pressure too', async t => {
  const app = await listen(t, { PRESSURE_HEAP: '1' })
  await delay(1100)
  t.match(await call(app, 'GET', '/api/cafes', { status: 503 }), { code: 'CHAT_UNAVAILABLE', message: 'This node has too much to do' })
})

t.test('0 is no bound', { timeout: 60_000 }, async t => {
  const app = await listen(t, { PRESSURE_DELAY: '0', PRESSURE_HEAP: '0' })
  const rest = keepBusy(t, 200)
  await delay(SAMPLES_MS)
  await guest(app, 'ann')
  rest()
})

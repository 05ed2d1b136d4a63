import { randomUUID } from 'node:crypto'
import t from 'tap'
import { type Client, ask, emit, heard, heardAll, until } from '../../support/sockets.ts'
import { createShapes, enter, found, listenTwice, type Node, visit, wait } from './cast.ts'

const MANY = 10_000
// Two floods of ten thousand take their time where other tests run as well.
t.setTimeout(100_000)
const { onBoth, one, two } = await createShapes(t)
const { two: open } = await listenTwice(t, { CHAT_LIMITS: 'off' })

type Ack = Awaited<ReturnType<typeof emit>>

/** Emits one payload after another, a hundred at a time; every one is answered. */
async function flood (socket: Client, event: string, payloads: object[]): Promise<Ack[]> {
  const acks: Ack[] = []
  for (let start = 0; start < payloads.length; start += 100) acks.push(...await Promise.all(payloads.slice(start, start + 100).map(payload => emit(socket, event, payload))))
  return acks
}

const codes = (acks: Ack[]) => [...new Set(acks.map(ack => ack.ok ? 'ok' : ack.error.code))].toSorted()
const refusals = (acks: Ack[]) => acks.flatMap(ack => ack.ok ? [] : [ack.error])

/** How long somebody else waits for a send. */
async function ackMs ({ socket }: { socket: Client }, cafeId: string) {
  const start = Date.now()
  await ask(socket, 'message:send', { cafeId, content: randomUUID() })
  return Date.now() - start
}

await onBoth('ten thousand joins in a loop', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const bob = await visit(t, there, 'bob', cafeId)
  const ann = await enter(t, here, 'ann')
  const start = Date.now()
  const acks = await flood(ann.socket, 'join:cafe', Array.from({ length: MANY }, () => ({ cafeId })))
  const seconds = (Date.now() - start) / 1000
  const passed = acks.filter(({ ok }) => ok).length
  t.same(codes(acks), ['CHAT_RATE_LIMITED', 'ok'])
  t.ok(passed >= 500 && passed <= 500 + 50 * (seconds + 1), `${passed} passed in ${seconds} s`)
  t.ok(refusals(acks).every(({ retryAfterMs }) => retryAfterMs! > 0 && retryAfterMs! <= 20), 'each refusal says when the next one is free')
  t.equal((await here.stores.hot.presence.counts([cafeId]))[0], 2)
  t.equal(heard(ann.socket, 'message:history').length, passed)
  t.ok(await ackMs(bob, cafeId) < 1000)
  await until('ann hears what bob says, once', () => heard(ann.socket, 'message:new').length > 0)
  t.equal(heard(ann.socket, 'message:new').length, 1)
  t.equal(heard(bob.socket, 'users:update').filter(update => 'user' in update && update.user.id === ann.user.id).length, 1, 'bob heard of one coming')
})

t.test('joins of cafes that are not there cost the database no more than may pass', async t => {
  const ann = await enter(t, one, 'ann')
  const start = Date.now()
  const acks = await flood(ann.socket, 'join:cafe', Array.from({ length: 3000 }, () => ({ cafeId: randomUUID() })))
  t.same(codes(acks), ['CHAT_CAFE_NOT_FOUND', 'CHAT_RATE_LIMITED'])
  const looked = refusals(acks).filter(({ code }) => code === 'CHAT_CAFE_NOT_FOUND').length
  t.ok(looked < 500 + 50 * (Date.now() - start) / 1000 + 50, `${looked} were looked for`)
})

t.test('ten thousand cafes on one socket', async t => {
  const cafes = await openMany(open, MANY)
  const ann = await enter(t, open, 'ann')
  const acks = await flood(ann.socket, 'join:cafe', cafes.map(cafeId => ({ cafeId })))
  t.same(codes(acks), ['CHAT_LIMIT_REACHED', 'ok'])
  t.equal(acks.filter(({ ok }) => ok).length, 50, 'SOCKET_MAX_CAFES')
  const { presence } = open.stores.hot
  t.equal((await presence.cafesOf(ann.user.id)).length, 50)
  for (let start = 50; start < MANY; start += 500) t.same(new Set(await presence.counts(cafes.slice(start, start + 500))), new Set([0]))
  t.ok(open.services.feed.openCafes().length <= 50, 'the others were not even opened')
  await ask(ann.socket, 'leave:cafe', { cafeId: cafes[0]! })
  t.match(await ask(ann.socket, 'join:cafe', { cafeId: cafes.at(-1)! }), { userCount: 1 }, 'one left, one joined')
})

/** New cafes, in one statement. */
async function openMany ({ pg }: Node, count: number): Promise<string[]> {
  const { rows } = await pg.pool.query<{ id: string }>(`
    WITH opened AS (INSERT INTO cafes (name) SELECT 'cafe ' || n FROM generate_series(1, $1::int) n RETURNING id),
    heads AS (INSERT INTO cafe_heads (cafe_id) SELECT id FROM opened)
    SELECT id FROM opened`, [count])
  return rows.map(({ id }) => id)
}

t.test('a flood without acks is not answered by a flood', async t => {
  const [here, there] = [one, two]
  const { id: cafeId } = await found(here)
  const bob = await visit(t, there, 'bob', cafeId)
  const ann = await visit(t, here, 'ann', cafeId)
  const start = Date.now()
  const shout = (event: 'typing:start' | 'join:cafe' | 'presence:update', payload: never) => ann.socket.emit(event, payload, undefined as never)
  for (let n = 0; n < 3000; n++) {
    shout('typing:start', { cafeId } as never)
    shout('presence:update', { status: n % 2 === 0 ? 'away' : 'busy' } as never)
    if (n % 50 === 0) await wait(1)
  }
  await ask(ann.socket, 'typing:stop', { cafeId })
  await until('the last of them is dealt with', () => here.underway.size === 0)
  await wait(100)
  const seconds = Math.ceil((Date.now() - start) / 1000)
  const errors = heard(ann.socket, 'error')
  t.ok(errors.length >= 2 && errors.length <= 2 * (seconds + 1), `${errors.length} errors in ${seconds} s for 6000 events`)
  t.same([...new Set(errors.map(({ code }) => code))], ['CHAT_RATE_LIMITED'])
  t.same([...new Set(errors.flatMap(({ details }) => details!.map(({ rule }) => rule)))].toSorted(), ['presenceRate', 'typingRate'])
  t.ok(errors.every(({ retryAfterMs }) => retryAfterMs! > 0))
  const told = heard(bob.socket, 'presence:update').length
  t.ok(told >= 50 && told <= 50 + 5 * (seconds + 1), `${told} changes of status`)
  t.ok(heard(bob.socket, 'typing:indicator').length <= 2, 'one typist')
  t.ok(ann.socket.connected && await ackMs(bob, cafeId) < 1000)
  t.equal(heardAll(bob.socket).filter(([name]) => name === 'error').length, 0)
})

t.test('junk without acks is answered by a few errors a second', async t => {
  const ann = await enter(t, one, 'ann')
  const shout = (event: string, payload: object) => (ann.socket as unknown as { emit: (event: string, payload: object) => void }).emit(event, payload)
  const start = Date.now()
  for (let n = 0; n < 3000; n++) {
    shout(n % 2 === 0 ? 'nothing' : 'join:cafe', { n })
    if (n % 50 === 0) await wait(1)
  }
  t.match(await emit(ann.socket, 'nothing', {}), { ok: false, error: { code: 'CHAT_UNKNOWN_EVENT' } }, 'an ack comes always')
  const seconds = Math.ceil((Date.now() - start) / 1000)
  const errors = heard(ann.socket, 'error')
  t.ok(errors.length >= 50 && errors.length <= 50 * (seconds + 1), `${errors.length} errors in ${seconds} s for 3000 events`)
  t.same([...new Set(errors.map(({ code }) => code))].toSorted(), ['CHAT_UNKNOWN_EVENT', 'CHAT_VALIDATION'])
  await until('a second later it hears of its faults again', async () => {
    shout('nothing', {})
    await wait(100)
    return heard(ann.socket, 'error').length > errors.length
  })
})

import t, { type Test } from 'tap'
import { type Client, ask, emit, heard, heardAll, once, until } from '../../support/sockets.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { createShapes, enter, found, type Node, type Someone, visit, wait } from './cast.ts'

const env = { CHAT_LIMITS: 'off', CHAT_HISTORY_LIMIT: '100' }
const { onBoth } = await createShapes(t, env)
const MESSAGES = 100
const EVERY_MS = 10

/** Names of what a socket got, with what tells one of a kind from another. */
const wire = (socket: Client) => heardAll(socket).map(([name, payload]) => {
  const { message, ok } = payload as { message?: { seq: number }, ok?: boolean }
  return message !== undefined ? `${name} ${message.seq}` : ok === false ? `${name} refused` : name
})

await onBoth('a join is history, ack, then what is live', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  await ask(ann.socket, 'message:send', { cafeId, content: 'one' })
  const bob = await enter(t, there, 'bob')
  // In one go: the join, a send behind it, and another join of the same socket.
  const [joined, sent, again] = await Promise.all([
    ask(bob.socket, 'join:cafe', { cafeId }),
    ask(bob.socket, 'message:send', { cafeId, content: 'two' }),
    ask(bob.socket, 'join:cafe', { cafeId, since: 1 })
  ])
  t.match(joined, { rev: 1, seq: 1, userCount: 2, recovered: false })
  t.match(sent, { message: { seq: 2 } })
  t.ok(again.recovered)
  const names = wire(bob.socket).filter(name => name !== 'users:update' && name !== 'topics:update')
  t.same(names.slice(0, 3), ['connected', 'message:history', 'ack'], 'nothing comes between')
  t.equal(names.filter(name => name === 'message:history').length, 2)
  t.equal(names[names.lastIndexOf('message:history') + 1], 'ack', 'nothing comes between the second time either')
  t.equal(names.filter(name => name === 'message:new 2').length, 1, 'the second join takes nothing away and doubles nothing')
})

await onBoth('joins while a hundred messages a second arrive', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const talkers = await Promise.all(['ann', 'bob', 'cem', 'dan'].map((name, index) => visit(t, index % 2 === 0 ? here : there, name, cafeId)))
  const guests = await Promise.all(Array.from({ length: 10 }, (_, index) => enter(t, index % 2 === 0 ? there : here, `guest ${index}`)))

  const talk = speak(talkers, cafeId)
  const joins = guests.map(async ({ socket }, index) => {
    await wait(20 + index * MESSAGES * EVERY_MS / 12)
    return ask(socket, 'join:cafe', { cafeId })
  })
  const commuter = commute(t, there, cafeId)
  const sent = await talk
  t.equal(sent, MESSAGES)
  const replies = await Promise.all(joins)
  t.ok(replies.some(({ seq }) => seq > 0 && seq < MESSAGES), 'they joined in the middle')

  for (const [index, { socket }] of guests.entries()) {
    await until(`guest ${index} has all`, () => heard(socket, 'message:new').at(-1)?.message.seq === MESSAGES || replies[index]!.seq === MESSAGES)
    const [history] = heard(socket, 'message:history')
    const seqs = [...history!.messages.map(({ seq }) => seq).reverse(), ...heard(socket, 'message:new').map(({ message }) => message.seq)]
    t.same(seqs, Array.from({ length: MESSAGES }, (_, n) => n + 1), `guest ${index}: 1..n, each once, in order`)
    t.equal(replies[index]!.seq, history!.messages[0]?.seq ?? 0, 'the ack tells where the history ends')
  }
  await commuter
  await checkLog(t, here.pg.pool)
})

/** All send in turn, a hundred a second. Resolves with the number of acks that were good. */
async function speak (talkers: Someone[], cafeId: string): Promise<number> {
  const acks: Array<ReturnType<typeof emit>> = []
  const start = Date.now()
  for (let index = 0; index < MESSAGES; index++) {
    const { socket } = talkers[index % talkers.length]!
    acks.push(emit(socket, 'message:send', { cafeId, content: `message ${index}` }))
    await wait(start + index * EVERY_MS - Date.now())
  }
  return (await Promise.all(acks)).filter(({ ok }) => ok).length
}

/** Leaves and comes back with `since` all the time; what it was told must be the whole log, each change once. */
async function commute (t: Test, node: Node, cafeId: string) {
  const { socket } = await visit(t, node, 'commuter', cafeId)
  let rev = heard(socket, 'message:history')[0]!.rev
  const seen: number[] = heard(socket, 'message:history')[0]!.messages.map(({ seq }) => seq).reverse()
  let read = 0
  function drink () {
    const news = heard(socket, 'message:new').slice(read)
    read += news.length
    for (const { message } of news) seen.push(message.seq)
    rev = news.at(-1)?.message.rev ?? rev
  }
  for (let round = 0; rev < MESSAGES && round < 200; round++) {
    await wait(15)
    await ask(socket, 'leave:cafe', { cafeId })
    drink()
    const { recovered } = await ask(socket, 'join:cafe', { cafeId, since: rev })
    t.ok(recovered, 'it is never away for long')
    const history = heard(socket, 'message:history').at(-1)!
    // Live events that came right behind the ack follow the history.
    seen.push(...history.messages.map(({ seq }) => seq).reverse())
    rev = history.rev
  }
  drink()
  t.same(seen, Array.from({ length: MESSAGES }, (_, n) => n + 1), 'the commuter missed nothing and heard nothing twice')
}

await onBoth('what one socket sends without waiting keeps its order', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await enter(t, here, 'ann')
  const bob = await visit(t, there, 'bob', cafeId)
  const sends = Array.from({ length: 60 }, (_, n) => `message ${n}`)
  const [, ...acks] = await Promise.all([emit(ann.socket, 'join:cafe', { cafeId }), ...sends.map(content => emit(ann.socket, 'message:send', { cafeId, content }))])
  t.same(acks.filter(({ ok }) => !ok), [])
  await until('bob has them', () => heard(bob.socket, 'message:new').length === 60)
  for (const { socket } of [ann, bob]) t.same(heard(socket, 'message:new').map(({ message }) => message.content), sends)
})

await onBoth('a step that is refused holds up no other', async (t, here, there) => {
  const [a, b, c] = await Promise.all([found(here), found(here), found(here)])
  const ann = await enter(t, there, 'ann')
  const steps = [['join:cafe', a], ['leave:cafe', c], ['join:cafe', b], ['leave:cafe', c], ['message:send', b], ['leave:cafe', a], ['message:send', a]] as const
  const acks = await Promise.all(steps.map(([event, { id: cafeId }]) => emit(ann.socket, event, event === 'message:send' ? { cafeId, content: 'hello' } : { cafeId })))
  t.same(acks.map(({ ok }) => ok), [true, false, true, false, true, true, false])
  ann.socket.disconnect()
  await until('and it leaves all of them', async () => (await here.stores.hot.presence.counts([a.id, b.id, c.id])).join() === '0,0,0')
})

await onBoth('one socket leaves and joins without waiting', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  await Promise.all([ask(bob.socket, 'leave:cafe', { cafeId }), ask(bob.socket, 'join:cafe', { cafeId }), ask(bob.socket, 'leave:cafe', { cafeId }), ask(bob.socket, 'join:cafe', { cafeId })])
  const news = once(bob.socket, 'message:new')
  await ask(ann.socket, 'message:send', { cafeId, content: 'still there?' })
  t.equal((await news).message.content, 'still there?')
  await Promise.all([ask(bob.socket, 'join:cafe', { cafeId }), ask(bob.socket, 'leave:cafe', { cafeId })])
  await ask(ann.socket, 'message:send', { cafeId, content: 'gone?' })
  await wait(50)
  t.equal(heard(bob.socket, 'message:new').length, 1, 'the last step counts')
})

import t from 'tap'
import type { ErrorBody } from '../../../schemas/errors.ts'
import { type Client, ask, emit, heard, heardAll, once, refused, until } from '../../support/sockets.ts'
import { createShapes, enter, found, type Node, visit, wait } from './cast.ts'

// So few that hardly one comes back while a test looks.
const rates = { CHAT_JOIN_USER_RATE: '3', CHAT_TYPING_USER_RATE: '4', CHAT_PRESENCE_USER_RATE: '3' }
const { onBoth } = await createShapes(t, rates)
const { onBoth: onBothFull } = await createShapes(t, { CHAT_JOIN_CAFE_RATE: '5', CHAT_TYPING_CAFE_RATE: '4', CHAT_PRESENCE_CAFE_RATE: '4' })

const seen = (socket: Client) => heard(socket, 'typing:indicator').map(({ username, isTyping }) => `${isTyping ? '+' : '-'}${username}`)
const limited = (of: 'user' | 'cafe', action: string) => ({ code: 'CHAT_RATE_LIMITED', details: [{ field: `${of}Id`, rule: `${action}Rate` }] })
const countIn = async (app: Node, cafeId: string) => (await app.stores.hot.presence.counts([cafeId]))[0]

/** The wait for the next one of `rate`. */
function soon ({ retryAfterMs }: ErrorBody, rate: number) {
  return retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= Math.ceil(10_000 / rate)
}

await onBoth('joins of a user', async (t, here, there) => {
  const [first, second, third, fourth] = await Promise.all(Array.from({ length: 4 }, async () => (await found(here)).id)) as [string, string, string, string]
  const bob = await visit(t, here, 'bob', fourth)
  const dan = await visit(t, there, 'dan', fourth)
  await until('they have heard of each other', () => [bob, dan].every(({ socket }) => heard(socket, 'users:update').at(-1)?.userCount === 2))
  const before = [bob, dan].map(({ socket }) => heard(socket, 'users:update').length)

  const ann = await enter(t, here, 'ann')
  const phone = await ann.tab(there)
  await ask(ann.socket, 'join:cafe', { cafeId: first })
  await ask(phone, 'join:cafe', { cafeId: second })
  await ask(ann.socket, 'join:cafe', { cafeId: third })
  for (const socket of [ann.socket, phone]) {
    const error = await refused(socket, 'join:cafe', { cafeId: fourth })
    t.match(error, limited('user', 'join'))
    t.ok(soon(error, 3), `wait ${error.retryAfterMs}`)
  }
  const handshake = await ann.tab(there, { auth: { cafeId: fourth } })
  await until('the handshake is refused', () => heard(handshake, 'error').length === 1)
  t.match(heard(handshake, 'error')[0], limited('user', 'join'), 'to join by it is to join')

  t.equal(await countIn(here, fourth), 2, 'who was refused is not counted')
  for (const socket of [ann.socket, phone, handshake]) t.match(await refused(socket, 'message:send', { cafeId: fourth, content: 'let me in' }), { code: 'CHAT_NOT_MEMBER' })
  await wait(200)
  t.same([bob, dan].map(({ socket }) => heard(socket, 'users:update').length), before, 'and nobody heard of them')
  t.same([ann.socket, phone].map(socket => heard(socket, 'message:history').length), [2, 1])
  t.same(await here.stores.hot.presence.counts([first, second, third]), [1, 1, 1], 'what they have they keep')
  t.match(await ask(ann.socket, 'message:send', { cafeId: first, content: 'still here' }), { message: { seq: 1 } })

  const { retryAfterMs } = await refused(ann.socket, 'join:cafe', { cafeId: fourth })
  await wait(retryAfterMs! + 50)
  t.match(await ask(phone, 'join:cafe', { cafeId: fourth }), { userCount: 3 }, 'when it said so they are let in')
})

await onBoth('coming back to a cafe counts on the node that works for it, and a refusal takes nothing away', async (t, here) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  await ask(ann.socket, 'join:cafe', { cafeId })
  await ask(ann.socket, 'join:cafe', { cafeId, since: 0 })
  t.match(await refused(ann.socket, 'join:cafe', { cafeId }), limited('user', 'join'))
  t.equal(await countIn(here, cafeId), 1)
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: 'still here' }), { message: { seq: 1 } })
})

await onBothFull('joins of a cafe', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const people = []
  for (let n = 0; n < 5; n++) people.push(await visit(t, n % 2 === 0 ? here : there, `guest ${n}`, cafeId))
  for (const node of [here, there]) {
    const late = await enter(t, node, 'late')
    const error = await refused(late.socket, 'join:cafe', { cafeId })
    t.match(error, limited('cafe', 'join'))
    t.ok(soon(error, 5))
    await ask(late.socket, 'join:cafe', { cafeId: (await found(here)).id })
  }
  t.equal(await countIn(here, cafeId), 5)
  await wait(200)
  const updates = people.flatMap(({ socket }) => heard(socket, 'users:update'))
  t.notOk(JSON.stringify(updates).includes('"late"'), 'nobody hears of who was refused')
})

await onBoth('typing of a user', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const phone = await ann.tab(there, { auth: { cafeId } })
  await until('the phone is in', () => heard(phone, 'message:history').length === 1)
  for (let n = 1; n <= 4; n++) {
    const socket = n % 2 === 0 ? phone : ann.socket
    await ask(socket, 'typing:start', { cafeId })
    await until('bob sees it', () => seen(bob.socket).length === 2 * n - 1)
    await ask(socket, 'typing:stop', { cafeId })
    await until('bob sees it end', () => seen(bob.socket).length === 2 * n)
  }
  for (const socket of [ann.socket, phone]) {
    const error = await refused(socket, 'typing:start', { cafeId })
    t.match(error, limited('user', 'typing'))
    t.ok(soon(error, 4))
    t.match(await ask(socket, 'typing:stop', { cafeId }), { cafeId }, 'to cease is never refused')
  }
  await wait(100)
  t.same(seen(bob.socket).slice(8), [], 'what was refused is not seen')
  t.match(await ask(ann.socket, 'message:send', { cafeId, content: 'I can still talk' }), { message: { seq: 1 } })
  const { retryAfterMs } = await refused(phone, 'typing:start', { cafeId })
  await wait(retryAfterMs! + 50)
  await ask(phone, 'typing:start', { cafeId })
  await until('it is seen again', () => seen(bob.socket).length === 9)
})

await onBothFull('typing in a cafe', async (t, here, there) => {
  const [{ id: cafeId }, { id: other }] = [await found(here), await found(here)]
  const people = []
  for (let n = 0; n < 5; n++) people.push(await visit(t, n % 2 === 0 ? here : there, `guest ${n}`, cafeId))
  for (const { socket } of people.slice(0, 4)) await ask(socket, 'typing:start', { cafeId })
  for (let n = 0; n < 10; n++) await ask(people[0]!.socket, 'typing:start', { cafeId })
  t.pass('whoever goes on takes nothing more')
  const last = people[4]!
  const error = await refused(last.socket, 'typing:start', { cafeId })
  t.match(error, limited('cafe', 'typing'))
  t.ok(soon(error, 4))
  await ask(last.socket, 'join:cafe', { cafeId: other })
  await ask(last.socket, 'typing:start', { cafeId: other })
  await wait(100)
  t.notOk(seen(people[0]!.socket).includes('+guest 4'))
})

await onBoth('statuses of a user', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const ann = await visit(t, here, 'ann', cafeId)
  const bob = await visit(t, there, 'bob', cafeId)
  const phone = await ann.tab(there)
  for (const [n, status] of (['away', 'busy', 'online'] as const).entries()) await ask(n % 2 === 0 ? phone : ann.socket, 'presence:update', { status })
  for (const socket of [ann.socket, phone]) {
    const error = await refused(socket, 'presence:update', { status: 'away', text: 'not told' })
    t.match(error, limited('user', 'presence'))
    t.ok(soon(error, 3))
  }
  await until('bob has heard of all three', () => heard(bob.socket, 'presence:update').length === 3)
  await wait(100)
  t.same(heard(bob.socket, 'presence:update').map(({ status }) => status), ['away', 'busy', 'online'])
  t.match(await here.stores.hot.presence.find([ann.user.id]), [{ status: 'online' }], 'a refused one is not set')
})

await onBothFull('statuses in a cafe', async (t, here, there) => {
  const [{ id: cafeId }, { id: quiet }] = [await found(here), await found(here)]
  const ann = await visit(t, here, 'ann', cafeId)
  await ask(ann.socket, 'join:cafe', { cafeId: quiet })
  const others = []
  for (const name of ['bob', 'cem']) others.push(await visit(t, there, name, cafeId))
  for (const status of ['away', 'busy'] as const) for (const { socket } of others) await ask(socket, 'presence:update', { status })
  // From a socket that is in no cafe: it is the user who is there.
  const error = await refused(await ann.tab(there), 'presence:update', { status: 'busy' })
  t.match(error, limited('cafe', 'presence'))
  t.ok(soon(error, 4))
  await until('ann has heard of four', () => heard(ann.socket, 'presence:update').length === 4)
  t.notOk(heard(ann.socket, 'presence:update').some(({ userId }) => userId === ann.user.id), 'neither here nor in the quiet cafe')
  t.match(await here.stores.hot.presence.find([ann.user.id]), [{ status: 'online' }])
  const outsider = await enter(t, there, 'dan')
  await ask(outsider.socket, 'presence:update', { status: 'busy' })
  t.notOk(heard(ann.socket, 'presence:update').some(({ username }) => username === 'dan'), 'whoever is not there is not heard of there, and takes nothing')
})

await onBoth('who is not in the cafe can neither type there nor be heard of', async (t, here, there) => {
  const { id: cafeId } = await found(here)
  const bob = await visit(t, here, 'bob', cafeId)
  const ann = await enter(t, there, 'ann')
  for (const event of ['typing:start', 'typing:stop']) {
    t.match(await refused(ann.socket, event, { cafeId }), { code: 'CHAT_NOT_MEMBER' }, event)
    const error = once(ann.socket, 'error')
    ann.socket.emit(event as 'typing:start', { cafeId }, undefined as never)
    t.match(await error, { code: 'CHAT_NOT_MEMBER' }, `${event} without ack`)
  }
  t.match(await emit(ann.socket, 'presence:update', { status: 'busy' }), { ok: true })
  for (const status of ['offline', 'gone', 'a\u0000way', 'away\n']) t.match(await refused(ann.socket, 'presence:update', { status }), { code: 'CHAT_VALIDATION', details: [{ field: 'status', rule: 'enum' }] })
  for (const text of ['a\u0000b', 'two\nlines', '\u001b[31m']) t.match(await refused(ann.socket, 'presence:update', { status: 'away', text }), { code: 'CHAT_VALIDATION', details: [{ field: 'text', rule: 'pattern' }] })
  await wait(200)
  t.same(heardAll(bob.socket).filter(([name]) => name === 'typing:indicator' || name === 'presence:update'), [])
})

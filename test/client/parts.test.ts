import t from 'tap'
import { createBackoff, insist } from '../../client/backoff.ts'
import { ChatError, toChatError } from '../../client/errors.ts'
import { createListeners } from '../../client/listeners.ts'
import { createRoster, MOST_MEMBERS } from '../../client/roster.ts'
import { createSending } from '../../client/sending.ts'
import { createTyping } from '../../client/typing.ts'
import { createTypists } from '../../client/typists.ts'
import type { CafePresence, Member } from '../../schemas/presence.ts'
import { CAFE } from './cast.ts'

const turn = () => new Promise(resolve => { setImmediate(resolve) })

t.test('waits grow to a bound, differ, and are never below what was asked for', async t => {
  for (const random of [() => 0, () => 0.999]) {
    const backoff = createBackoff({ minMs: 100, maxMs: 1000 }, random)
    const waits = Array.from({ length: 60 }, () => backoff.next())
    t.ok(waits.every(wait => wait >= 50 && wait <= 1000), `${waits[0]} to ${waits.at(-1)}`)
    t.ok(waits[59]! >= 500)
    t.ok(backoff.next(5000) >= 5000)
    t.ok(backoff.next(Number.MAX_SAFE_INTEGER) < 2 ** 31, 'no timer overflows')
    backoff.reset()
    t.ok(backoff.next(0) <= 100)
  }
})

t.test('insisting ends with success, or with what no repetition mends', async t => {
  let tries = 0
  t.equal(await insist(async () => {
    if (++tries < 3) throw new ChatError('CHAT_UNAVAILABLE', 'later', { retryAfterMs: 0 })
    return 'done'
  }), 'done')
  t.equal(tries, 3)
  await t.rejects(insist(async () => { throw new ChatError('CHAT_FORBIDDEN', 'no') }), { code: 'CHAT_FORBIDDEN' })
  await t.rejects(insist(async () => { throw new ChatError('CHAT_RATE_LIMITED', 'later', { retryAfterMs: 60_000 }) }), { code: 'CHAT_RATE_LIMITED' }, 'nobody waits for so long')
})

t.test('an error body becomes an error; anything else is a bad answer', async t => {
  t.match(toChatError({ code: 'CHAT_REPEATED', message: 'again', retryAfterMs: 5, details: [{ field: 'a', rule: 'b' }] }), { code: 'CHAT_REPEATED', message: 'again', retryAfterMs: 5, details: [{ field: 'a', rule: 'b' }] })
  t.match(toChatError({ code: 'CHAT_NEW', retryAfterMs: -1, details: 'x' }), { code: 'CHAT_NEW', message: 'CHAT_NEW', retryAfterMs: undefined, details: [] }, 'of a newer server')
  for (const body of [undefined, null, 'text', 5, {}, { code: 5 }]) t.equal(toChatError(body).code, 'CLIENT_BAD_ANSWER')
})

t.test('listeners hear once for all changes of a turn, and not after they left', async t => {
  const listeners = createListeners()
  const heard: string[] = []
  const leave = listeners.subscribe(() => heard.push('a'))
  listeners.subscribe(() => heard.push('b'))
  listeners.notify()
  listeners.notify()
  t.strictSame(heard, [], 'not in the middle of a change')
  await turn()
  t.strictSame(heard, ['a', 'b'])
  leave()
  leave()
  listeners.notify()
  await turn()
  t.strictSame(heard, ['a', 'b', 'b'])
})

t.test('a listener that throws disturbs no other, and its error is not lost', async t => {
  const listeners = createListeners()
  let heard = 0
  listeners.subscribe(() => { throw new Error('of the application') })
  listeners.subscribe(() => { heard++ })
  const thrown = t.capture(process, 'emit', () => true)
  listeners.notify()
  await turn()
  thrown.restore()
  t.equal(heard, 1)
  t.match(thrown().find(({ args: [name] }) => name === 'uncaughtException')?.args[1], { message: 'of the application' })
})

t.test('typing is said twice in a timeout, and its end only if it is seen', async t => {
  let time = 0
  const said: boolean[] = []
  let silentMs = 0
  const typing = createTyping(async isTyping => {
    said.push(isTyping)
    return silentMs
  }, () => 3000, () => time)
  typing.stop()
  for (time = 0; time < 3000; time += 100) typing.press()
  t.strictSame(said, [true, true])
  typing.stop()
  typing.stop()
  t.strictSame(said, [true, true, false])
  typing.press()
  time += 3000
  typing.stop()
  t.strictSame(said.slice(3), [true], 'it has ended by itself')
  silentMs = 10_000
  typing.press()
  await turn()
  time += 5000
  typing.press()
  t.equal(said.length, 5, 'silent as asked')
  time += 5000
  silentMs = 0
  typing.press()
  typing.forget()
  typing.press()
  t.equal(said.length, 7, 'on another connection nobody has seen it')
})

t.test('typists come and go, and end by themselves when their end was lost', async t => {
  let time = 0
  let changes = 0
  const typists = createTypists(() => 20, () => { changes++ }, () => time)
  const hear = (userId: string, isTyping: boolean) => typists.hear({ cafeId: CAFE, userId, username: userId, isTyping })
  hear('ann', true)
  hear('bob', true)
  t.strictSame(typists.list, [{ id: 'ann', username: 'ann' }, { id: 'bob', username: 'bob' }])
  t.equal(typists.list, typists.list)
  hear('ann', false)
  t.strictSame(typists.list.map(({ id }) => id), ['bob'])
  typists.hear({ cafeId: CAFE, userId: 'c', username: 'c', isTyping: true, typists: [{ id: 'c', username: 'c' }, { id: 'd', username: 'd' }], count: 70 })
  t.strictSame(typists.list.map(({ id }) => id), ['c', 'd'], 'a sample is all that is known')
  t.equal(typists.count, 70)
  typists.remove('c')
  typists.remove('nobody')
  time = 1000
  const before = changes
  await new Promise(resolve => { setTimeout(resolve, 100) })
  t.equal(changes, before + 1)
  t.strictSame(typists.list, [])
  t.equal(typists.count, 0)
  for (let index = 0; index < 200; index++) hear(`user ${index}`, true)
  t.equal(typists.list.length, 50, 'bounded')
  typists.clear()
  typists.clear()
  t.strictSame(typists.list, [])
})

t.test('the roster is kept up to date once it was asked for', async t => {
  let changes = 0
  const roster = createRoster(() => { changes++ }, () => 0)
  const member = (id: string): Member => ({ id, username: id, status: 'online', lastSeen: new Date(0).toISOString() })
  const page = (...ids: string[]): CafePresence => ({ cafeId: CAFE, userCount: 9, users: ids.map(member) })
  const ids = () => roster.list.map(({ id }) => id)
  roster.hearUsers({ cafeId: CAFE, userCount: 1, action: 'join', user: { id: 'ann', username: 'ann' } })
  roster.hearStatus({ cafeId: CAFE, userId: 'ann', username: 'ann', status: 'busy', lastSeen: '' })
  t.strictSame([ids(), changes], [[], 0], 'nobody asked')

  roster.takePage(page('ann'), true)
  roster.takePage(page('bob'), false)
  roster.hearUsers({ cafeId: CAFE, userCount: 3, action: 'join', user: { id: 'cem', username: 'cem' } })
  roster.hearUsers({ cafeId: CAFE, userCount: 2, action: 'leave', user: { id: 'ann', username: 'ann' } })
  t.strictSame(ids(), ['bob', 'cem'])
  roster.hearUsers({ cafeId: CAFE, userCount: 2, action: 'sync', joined: [{ id: 'dan', username: 'dan' }], left: [{ id: 'bob', username: 'bob' }] })
  roster.hearUsers({ cafeId: CAFE, userCount: 2, action: 'dance' } as never)
  roster.hearStatus({ cafeId: CAFE, userId: 'dan', username: 'dan', status: 'busy', lastSeen: 'then', text: 'coffee' })
  t.strictSame(roster.list, [member('cem'), { id: 'dan', username: 'dan', status: 'busy', lastSeen: 'then', text: 'coffee' }])
  roster.takePage(page('eva'), true)
  t.strictSame(ids(), ['eva'])
  roster.takePage(page(...Array.from({ length: 1500 }, (_, index) => `user ${index}`)), false)
  t.equal(roster.list.length, MOST_MEMBERS)
  roster.drop()
  t.strictSame([ids(), roster.isKept], [[], false])
})

t.test('a send is settled once it is not pending, whenever that is asked', async t => {
  const { sending, set } = createSending('id', 'text')
  t.match(sending, { clientId: 'id', content: 'text', state: 'pending', error: undefined, message: undefined })
  const early = sending.settled()
  set({ state: 'pending', error: new ChatError('CLIENT_OFFLINE', 'not yet') })
  t.equal(sending.error?.code, 'CLIENT_OFFLINE')
  set({ state: 'failed', error: new ChatError('CHAT_REPEATED', 'again') })
  t.equal(await early, sending)
  t.equal(await sending.settled(), sending)
  t.equal(sending.state, 'failed')
})

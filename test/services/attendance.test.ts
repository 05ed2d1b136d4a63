import t from 'tap'
import type { UsersUpdate } from '../../schemas/events.ts'
import { createAttendance } from '../../services/attendance.ts'
import { attendance, cafeId, createListener, turn, wait } from './cast.ts'

/** Attendance at a time that the test sets, in an open cafe. */
function setUp () {
  const clock = { now: 1_000_000 }
  const listener = createListener()
  const rules = createAttendance(listener.broadcast, () => clock.now)
  rules.open(cafeId)
  const told = () => listener.of('users:update').map(({ payload }) => tell(payload))
  return { ...rules, clock, told, listener }
}

const tell = (update: UsersUpdate) => update.action === 'sync'
  ? `sync ${update.userCount} +${update.joined.map(({ username }) => username)} -${update.left.map(({ username }) => username)}`
  : `${update.action} ${update.user.username} ${update.userCount}`

t.test('four changes in a second are told one by one, the fifth in a summary', async t => {
  const { note, told, clock, close } = setUp()
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
    note(attendance(index, 'join', name, index + 1))
    clock.now += 200
  }
  await turn()
  t.same(told(), ['join a 1', 'join b 2', 'join c 3', 'join d 4'])
  note(attendance(4, 'join', 'e', 5))
  note(attendance(5, 'leave', 'e', 4))
  note(attendance(6, 'leave', 'a', 3))
  await turn()
  t.equal(told().length, 4, 'not yet')
  await wait(660)
  t.same(told().slice(4), ['sync 3 + -a'], 'who came and went at once is no news')
  close(cafeId)
})

t.test('a quiet room stays with single changes', async t => {
  const { note, told, clock } = setUp()
  for (let n = 1; n <= 12; n++) {
    note(attendance(n, 'join', `guest ${n}`, n))
    clock.now += 251
  }
  await turn()
  t.equal(told().filter(text => text.startsWith('join')).length, 12)
})

t.test('summaries go on until two quiet seconds, and say something only when there is something', async t => {
  const { note, told, clock, close, greeting } = setUp()
  const ann = { id: 'id of ann', username: 'ann' }
  note(attendance(1, 'join', 'ann', 51))
  await wait(640)
  t.same(told(), ['sync 51 +ann -'])
  t.match(greeting(cafeId, ann), { action: 'sync', userCount: 51, joined: [], left: [] })
  note(attendance(2, 'leave', 'bob', 50))
  clock.now += 1000
  await wait(610)
  t.same(told().slice(1), ['sync 50 + -bob'], '50 are a small room, but it is not quiet yet')
  await wait(610)
  t.equal(told().length, 2, 'no news')
  clock.now += 1000
  await wait(610)
  note(attendance(3, 'leave', 'cem', 49))
  await turn()
  t.same(told().slice(2), ['leave cem 49'], 'quiet again')
  t.match(greeting(cafeId, ann), { action: 'join', userCount: 49, user: ann })
  close(cafeId)
})

t.test('a summary names at most twenty of each, the count is of all', async t => {
  const { note, listener, close } = setUp()
  for (let n = 1; n <= 60; n++) note(attendance(n, n % 2 === 0 ? 'join' : 'leave', `guest ${n}`, 100 + n))
  await wait(640)
  const [{ payload } = { payload: undefined }] = listener.of('users:update').filter(({ payload }) => payload.action === 'sync')
  t.match(payload, { userCount: 160, joined: { length: 20 }, left: { length: 20 } })
  close(cafeId)
})

t.test('steps that arrive the wrong way round', async t => {
  const { note, told, observe, count } = setUp()
  note(attendance(20, 'join', 'ann', 3))
  note(attendance(10, 'join', 'bob', 2))
  await turn()
  t.same(told(), ['join ann 3', 'join bob 3'], 'all are told, the last with the newest count')
  observe(attendance(5, 'leave', 'cem', 1))
  t.equal(count(cafeId), 3, 'an older count is none')
})

t.test('a guess, while nobody can be asked', async t => {
  const { observe, guess, note, told, count, close } = setUp()
  const step = { cafeId, user: { id: 'id of ann', username: 'ann' } }
  t.match(guess({ ...step, action: 'leave' }), { userCount: 0, version: 0 }, 'never below nobody')
  observe(attendance(10, 'join', 'bob', 7))
  t.match(guess({ ...step, action: 'join' }), { ...step, userCount: 8, version: 10 })
  note(guess({ ...step, action: 'join' }))
  await turn()
  t.same(told(), ['join ann 8'])
  observe(attendance(11, 'leave', 'bob', 5))
  t.equal(count(cafeId), 5, 'the next true count replaces it')
  close(cafeId)
  t.match(guess({ ...step, action: 'join' }), { userCount: 1 })
})

t.test('a cafe without sockets here', async t => {
  const { note, told, close, open, count, greeting } = setUp()
  close(cafeId)
  close(cafeId)
  note(attendance(1, 'join', 'ann', 1))
  await turn()
  t.same(told(), [])
  t.equal(count(cafeId), 0)
  t.match(greeting(cafeId, { id: 'id of ann', username: 'ann' }), { userCount: 0 })
  open(cafeId)
  open(cafeId)
  note(attendance(1, 'join', 'ann', 1))
  await turn()
  t.same(told(), ['join ann 1'])
})

t.test('what got lost is found when the store is asked, once, and only where something was heard', async t => {
  const { note, observe, settle, told, clock, close } = setUp()
  const asked: string[][] = []
  const say = (...counts: number[]) => async (cafeIds: string[]) => {
    asked.push(cafeIds)
    return counts
  }
  note(attendance(1, 'join', 'ann', 1))
  await turn()
  await settle([], say(3))
  await wait(660)
  t.same(told(), ['join ann 1', 'sync 3 + -'])
  await settle([], say(4))
  t.same(asked, [[cafeId]], 'nothing was heard since')
  await settle([cafeId, 'a cafe that is not open'], say(3))
  t.same(asked[1], [cafeId])
  clock.now += 3000
  await wait(1300)
  t.equal(told().length, 2, 'it is as it was told')

  await settle([cafeId], async () => {
    observe(attendance(2, 'leave', 'ann', 2))
    return [3]
  })
  await wait(660)
  t.equal(told().length, 2, 'what was heard meanwhile is newer')
  close(cafeId)
})

t.test('what another node has counted', async t => {
  const { note, mend, settle, told, latest, close } = setUp()
  note(attendance(5, 'join', 'ann', 2))
  await turn()
  mend(cafeId, { userCount: 1, version: 4 })
  mend(cafeId, { userCount: 1, version: 5 })
  mend('a cafe that is not open', { userCount: 1, version: 6 })
  await wait(660)
  t.same(told(), ['join ann 2'], 'it knew no more')
  mend(cafeId, { userCount: 4, version: 6 })
  await wait(660)
  t.same(told().slice(1), ['sync 4 + -'], 'nobody is named')
  t.match(latest(cafeId), { userCount: 4, version: 6 })
  const asked: string[][] = []
  await settle([], async cafeIds => {
    asked.push(cafeIds)
    return [4]
  })
  t.same(asked, [[cafeId]], 'and the store is asked')
  close(cafeId)
})

import t from 'tap'
import { loadConfig } from '../../../plugins/config.ts'
import { createMemoryState } from '../../../stores/memory/index.ts'
import { createLru } from '../../../stores/memory/lru.ts'
import { createRecentMessages } from '../../../stores/memory/recent.ts'
import { createTopics } from '../../../stores/memory/topics.ts'
import { created, messageOf, newId, person, wordsOf } from '../../contracts/cast.ts'

const config = loadConfig({})

t.test('what was not used for longest goes first', async t => {
  const lru = createLru<number>(3)
  for (const [index, key] of ['a', 'b', 'c'].entries()) lru.set(key, index)
  lru.get('a')
  lru.set('b', 5)
  lru.set('d', 6)
  t.strictSame(['a', 'b', 'c', 'd', 'e'].map(key => lru.get(key)), [0, 5, undefined, 6, undefined])
  lru.delete('a')
  lru.set('e', 7)
  t.strictSame(['a', 'b', 'd', 'e'].map(key => lru.get(key)), [undefined, 5, 6, 7])
})

t.test('recent messages of a thousand cafes', async t => {
  const recent = createRecentMessages(10)
  const cafes = Array.from({ length: 1001 }, newId)
  for (const cafe of cafes) await recent.apply(cafe, [created(messageOf(cafe, 1, 1))])
  t.equal(await recent.read(cafes[0]!), null)
  t.equal((await recent.read(cafes[1]!))?.rev, 1)
  t.equal(await recent.apply(cafes[0]!, [created(messageOf(cafes[0]!, 2, 2))]), null, 'absent, not a part')
})

t.test('topics of a thousand cafes', async t => {
  const topics = createTopics(config.topics)
  const cafes = Array.from({ length: 1001 }, newId)
  const at = 1_000_000
  for (const cafe of cafes) await topics.add(cafe, { messageId: 'm', userId: 'ann', words: wordsOf('coffee'), at })
  t.strictSame(await topics.top(cafes[0]!, 10, at), [])
  t.strictSame(await topics.top(cafes[1]!, 10, at), [{ topic: 'coffee', score: 1, messages: 1 }])
})

t.test('repeats of fifty thousand pairs, statuses of ten thousand absent users', async t => {
  const { repeats, presence } = createMemoryState({ config, now: Date.now })
  const users = Array.from({ length: 50_001 }, (_, index) => `user${index}`)
  for (const user of users) await repeats.check(user, 'cafe', 'aaa')
  t.ok(await repeats.check(users[1]!, 'cafe', 'aaa') > 0)
  t.equal(await repeats.check(users[0]!, 'cafe', 'aaa'), 0)
  const guests = users.slice(0, 10_001).map(person)
  for (const guest of guests) await presence.setStatus(guest, { status: 'busy' })
  const cafe = newId()
  await presence.enter(cafe, guests[0]!)
  await presence.enter(cafe, guests[1]!)
  const { users: members } = await presence.members(cafe, 9)
  t.strictSame(guests.slice(0, 2).map(guest => members.find(({ id }) => id === guest.id)?.status), ['online', 'busy'])
})

t.test('presence holds what is present', async t => {
  let now = 5_000
  const { presence } = createMemoryState({ config, now: () => now })
  const cafe = newId()
  const first = await presence.enter(cafe, person('ann'))
  t.equal(first.version, 5_000_000, 'microseconds')
  now = 4_000
  const second = await presence.enter(cafe, person('bob'))
  t.equal(second.version, 5_000_001, 'not below, even if the clock goes back')
})

import type { Test } from 'tap'
import type { Mention, Topics } from '../../services/ports.ts'
import { createRandom, newId } from './cast.ts'

/** Expiry of a word said once, and the half-life that follows from it. */
const EXPIRY = 3600_000
const HALF = EXPIRY / 4
const MAX_TOPICS = 5
const NOW = 1_763_546_400_000

let messages = 0
const mention = (userId: string, words: string[], at: number): Mention => ({ messageId: `message${++messages}`, userId, words, at })

/** The counts by the words of the port, in plain numbers. */
function createModel () {
  const added: Array<{ word: string, userId: string, messageId: string, at: number }> = []
  const last = new Map<string, { messageId: string, at: number }>()

  return {
    add ({ messageId, userId, words, at }: Mention) {
      for (const word of words) {
        const before = last.get(`${word} ${userId}`)
        if (before !== undefined && at - before.at < HALF) continue
        last.set(`${word} ${userId}`, { messageId, at })
        added.push({ word, userId, messageId, at })
      }
    },
    remove ({ messageId, userId, words }: Mention) {
      for (const word of words) {
        if (last.get(`${word} ${userId}`)?.messageId !== messageId) continue
        last.delete(`${word} ${userId}`)
        added.splice(added.findIndex(entry => entry.word === word && entry.messageId === messageId), 1)
      }
    },
    count: (word: string, at: number) => added.filter(entry => entry.word === word).reduce((sum, entry) => sum + 2 ** ((entry.at - at) / HALF), 0)
  }
}

/** `make`: topics with an expiry of an hour and `maxTopics` 5, as one more node sees them. All share one store. */
export async function topicsContract (t: Test, make: () => Promise<Topics>) {
  const topics = await make()

  t.test('more people outrank fewer, newer outranks older', async t => {
    const cafe = newId()
    t.strictSame(await topics.top(cafe, 10, NOW), [])
    await topics.add(cafe, mention('ann', ['coffee', 'cake', 'coffee'], NOW))
    await topics.add(cafe, mention('bob', ['cake', 'कॉफ़ी'], NOW))
    await topics.add(cafe, mention('cem', ['музыка'], NOW + 60_000))
    t.strictSame(await topics.top(cafe, 2, NOW + 60_000), ['cake', 'музыка'])
    t.strictSame((await topics.top(cafe, 10, NOW + 60_000)).slice(2).sort(), ['coffee', 'कॉफ़ी'])
  })

  t.test('a word said once fades after exactly the expiry, one of two people a half-life later', async t => {
    const cafe = newId()
    await topics.add(cafe, mention('ann', ['once', 'twice'], NOW))
    await topics.add(cafe, mention('bob', ['twice'], NOW))
    t.strictSame(await topics.top(cafe, 10, NOW + EXPIRY - 1), ['twice', 'once'])
    t.strictSame(await topics.top(cafe, 10, NOW + EXPIRY + 1), ['twice'])
    t.strictSame(await topics.top(cafe, 10, NOW + EXPIRY + HALF - 1), ['twice'])
    t.strictSame(await topics.top(cafe, 10, NOW + EXPIRY + HALF + 1), [])
  })

  t.test('repeating oneself within a half-life adds nothing, later it does', async t => {
    const cafe = newId()
    for (let index = 0; index < 10; index++) await topics.add(cafe, mention('ann', ['spam'], NOW + index))
    await topics.add(cafe, mention('bob', ['talk'], NOW))
    await topics.add(cafe, mention('cem', ['talk'], NOW))
    t.strictSame(await topics.top(cafe, 10, NOW), ['talk', 'spam'])
    t.strictSame(await topics.top(cafe, 10, NOW + EXPIRY + 10), ['talk'], 'spam faded like a word said once')
    await topics.add(cafe, mention('ann', ['talk'], NOW + HALF))
    await topics.add(cafe, mention('ann', ['spam'], NOW + HALF))
    await topics.add(cafe, mention('dan', ['other'], NOW + HALF))
    t.strictSame(await topics.top(cafe, 10, NOW + HALF), ['talk', 'spam', 'other'])
  })

  t.test('a deleted message takes back what it added, and no more', async t => {
    const cafe = newId()
    const first = mention('ann', ['cake', 'cream'], NOW)
    const repeated = mention('ann', ['cake'], NOW + 1000)
    const other = mention('bob', ['cake'], NOW)
    for (const each of [first, repeated, other]) await topics.add(cafe, each)
    await topics.remove(cafe, repeated)
    t.strictSame((await topics.top(cafe, 10, NOW)), ['cake', 'cream'], 'it had added nothing')
    await topics.remove(cafe, first)
    await topics.remove(cafe, first)
    t.strictSame(await topics.top(cafe, 10, NOW), ['cake'])
    t.strictSame(await topics.top(cafe, 10, NOW + EXPIRY + 1), [], 'as if said once')
    await topics.remove(cafe, other)
    t.strictSame(await topics.top(cafe, 10, NOW), [])
    await topics.add(cafe, mention('ann', ['cake'], NOW + 2000))
    t.strictSame(await topics.top(cafe, 10, NOW + 2000), ['cake'], 'a new mention counts at once')
    await topics.remove(newId(), first)
  })

  t.test('keeps four times what may be shown, and a new word can rise', async t => {
    const cafe = newId()
    for (let index = 0; index < 30; index++) await topics.add(cafe, mention('ann', [`word${index}`], NOW + index * 1000))
    const all = await topics.top(cafe, 1000, NOW + 30_000)
    t.strictSame(all, Array.from({ length: 20 }, (_, index) => `word${29 - index}`))
    const old = mention('bob', ['word0'], NOW + 40_000)
    await topics.add(cafe, old)
    await topics.add(cafe, mention('ann', ['word0'], NOW + 40_000))
    t.strictSame(await topics.top(cafe, 1, NOW + 40_000), ['word0'], 'what was forgotten counts again')
    await topics.remove(cafe, old)
    t.strictSame(await topics.top(cafe, 1, NOW + 40_000), ['word0'])
  })

  t.test('counts like plain numbers', async t => {
    const [a, b] = [topics, await make()]
    for (let seed = 1; seed <= 6; seed++) {
      const random = createRandom(seed)
      const cafe = newId()
      const model = createModel()
      const said: Mention[] = []
      const words = Array.from({ length: 12 }, (_, index) => `word${index}`)
      let now = NOW
      for (let step = 0; step < 120; step++) {
        now += random.below(random.next() < 0.1 ? EXPIRY : 60_000)
        const node = random.pick([a, b])
        // What was said longer ago is below notice: a driver need not remember it to take it back.
        const young = said.filter(({ at }) => now - at <= EXPIRY)
        if (young.length > 0 && random.next() < 0.25) {
          const gone = random.pick(young)
          model.remove(gone)
          await node.remove(cafe, gone)
        } else {
          const next = mention(`user${random.below(5)}`, [...new Set([random.pick(words), random.pick(words), random.pick(words)])], now)
          said.push(next)
          model.add(next)
          await node.add(cafe, next)
        }
        const top = await node.top(cafe, 100, now)
        const counts = top.map(word => model.count(word, now))
        t.ok(counts.every((count, index) => count > 1 / 16 - 1e-4 && (index === 0 || count <= counts[index - 1]! + 1e-4)), `order, seed ${seed}, step ${step}`)
        t.ok(words.every(word => top.includes(word) || model.count(word, now) < 1 / 16 + 1e-4), `none is missing, seed ${seed}, step ${step}`)
      }
    }
  })

  t.test('does not overflow over years', async t => {
    const cafe = newId()
    for (let year = 0; year < 30; year++) await topics.add(cafe, mention('ann', ['perennial'], NOW + year * 365 * 24 * 3600_000))
    const now = NOW + 29 * 365 * 24 * 3600_000
    t.strictSame(await topics.top(cafe, 10, now), ['perennial'])
    t.strictSame(await topics.top(cafe, 10, now + EXPIRY + 1), [])
  })

  t.test('a list is claimed once, when it differs', async t => {
    const [a, b] = [topics, await make()]
    const cafe = newId()
    t.strictSame(await a.claim(cafe, 10, NOW), {}, 'nothing to show is nothing new')
    await a.add(cafe, mention('ann', ['coffee'], NOW))
    const claims = await Promise.all(Array.from({ length: 10 }, (_, index) => [a, b][index % 2]!.claim(cafe, 10, NOW)))
    t.strictSame(claims.filter(claim => claim.topics !== undefined).map(claim => claim.topics), [['coffee']])
    for (const { againIn } of claims) t.equal(againIn, EXPIRY + 1, 'until the word has faded')
    await b.add(cafe, mention('bob', ['coffee'], NOW + 10))
    t.strictSame(Object.keys(await b.claim(cafe, 10, NOW + 10)), ['againIn'], 'the same list')
  })

  t.test('at most one claim a second', async t => {
    const cafe = newId()
    await topics.add(cafe, mention('ann', ['coffee'], NOW))
    t.strictSame((await topics.claim(cafe, 10, NOW)).topics, ['coffee'])
    await topics.add(cafe, mention('ann', ['tea'], NOW + 300))
    t.strictSame(await topics.claim(cafe, 10, NOW + 300), { againIn: 700 })
    t.strictSame(await topics.claim(cafe, 10, NOW + 999), { againIn: 1 })
    t.strictSame(await topics.claim(cafe, 10, NOW - 5000), { againIn: 1000 }, 'a clock that is behind waits a second, not more')
    t.match(await topics.claim(cafe, 10, NOW + 1000), { topics: ['tea', 'coffee'] })
  })

  t.test('a list that fades is claimed again, down to the empty one', async t => {
    const cafe = newId()
    await topics.add(cafe, mention('ann', ['early'], NOW))
    await topics.add(cafe, mention('ann', ['late'], NOW + 5000))
    const first = await topics.claim(cafe, 10, NOW + 5000)
    t.strictSame(first.topics, ['late', 'early'])
    const second = NOW + 5000 + first.againIn!
    t.equal(second, NOW + EXPIRY + 1)
    const claim = await topics.claim(cafe, 10, second)
    t.strictSame(claim.topics, ['late'])
    t.strictSame(await topics.claim(cafe, 10, second + claim.againIn!), { topics: [] })
    t.strictSame(await topics.claim(cafe, 10, second + claim.againIn! + 1000), {}, 'nothing left that could change')
  })

  t.test('a limit shows the strongest, and waits for the weakest of them', async t => {
    const cafe = newId()
    for (let index = 0; index < 6; index++) await topics.add(cafe, mention('ann', [`word${index}`], NOW + index * 1000))
    const { topics: list, againIn } = await topics.claim(cafe, 2, NOW + 5000)
    t.strictSame(list, ['word5', 'word4'])
    t.equal(againIn, EXPIRY - 1000 + 1)
  })
}

export const topicsUnderTest = { minWordLength: 4, maxTopics: MAX_TOPICS, expiry: EXPIRY }

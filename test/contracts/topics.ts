import type { Test } from 'tap'
import type { Mention, Topic, Topics } from '../../services/ports.ts'
import { createRandom, newId, wordsOf } from './cast.ts'

const EXPIRY = 3600_000
const HALF = EXPIRY / 4
const MAX_TOPICS = 5
const KEPT = 4 * MAX_TOPICS
const MOST = 500
/** A whole number of half-lives after 1970, so that scores are round numbers. */
const NOW = 1_763_546_400_000

let messages = 0
const mention = (userId: string, words: string[], at: number): Mention => ({ messageId: `message${++messages}`, userId, words: wordsOf(...words), at })

const round = (number: number) => Math.round(number * 1e6) / 1e6
const plain = (list: Topic[]) => list.map(({ topic, score, messages }) => [topic, round(score), messages])

/** The rules of the port in plain numbers. */
function createModel () {
  let said: Array<{ word: string, userId: string, messageId: string, at: number }> = []
  const of = (word: string) => said.filter(entry => entry.word === word)

  return {
    add ({ messageId, userId, words, at }: Mention) {
      said = said.filter(entry => !words.some(({ text }) => text === entry.word) || entry.at >= at - EXPIRY)
      for (const { text } of words) said.push({ word: text, userId, messageId, at })
    },
    remove ({ messageId }: Mention) {
      said = said.filter(entry => entry.messageId !== messageId)
    },
    top (at: number) {
      const list = [...new Set(said.map(({ word }) => word))].map(word => {
        const latest = new Map(of(word).map(({ userId, at }) => [userId, at]))
        const score = [...latest.values()].reduce((sum, time) => sum + 2 ** ((time - at) / HALF), 0)
        return { topic: word, score, messages: of(word).filter(entry => entry.at >= at - EXPIRY).length }
      })
      const step = ({ score }: Topic) => Math.round((Math.log2(score) + at / HALF) * 1e6)
      return list.filter(({ messages }) => messages > 0).sort((a, b) => step(b) - step(a) || (a.topic < b.topic ? 1 : -1))
    }
  }
}

/** `make`: topics with an expiry of an hour and `maxTopics` 5, as one more node sees them. All share one store. */
export async function topicsContract (t: Test, make: () => Promise<Topics>) {
  const topics = await make()
  const read = async (cafe: string, at: number, limit = 1000) => plain(await topics.top(cafe, limit, at))
  const names = async (cafe: string, at: number, limit = 1000) => (await topics.top(cafe, limit, at)).map(({ topic }) => topic)

  t.test('calls take effect in their order, without waiting between them', async t => {
    const cafe = newId()
    const mentions = Array.from({ length: 50 }, (_, index) => mention('ann', [`word${index}`], NOW))
    await Promise.all(mentions.flatMap(one => [topics.add(cafe, one), topics.remove(cafe, one), topics.add(cafe, one), topics.remove(cafe, one)]))
    t.strictSame(await read(cafe, NOW), [])
  })

  t.test('each person counts once, and half after each half-life', async t => {
    const cafe = newId()
    t.strictSame(await topics.top(cafe, 10, NOW), [])
    await topics.add(cafe, mention('ann', ['coffee', 'cake'], NOW))
    await topics.add(cafe, mention('bob', ['cake', 'कॉफ़ी'], NOW))
    t.strictSame(await read(cafe, NOW), [['cake', 2, 2], ['कॉफ़ी', 1, 1], ['coffee', 1, 1]])
    await topics.add(cafe, mention('cem', ['cake', 'музыка'], NOW + HALF))
    t.strictSame(await read(cafe, NOW + HALF), [['cake', 2, 3], ['музыка', 1, 1], ['कॉफ़ी', 0.5, 1], ['coffee', 0.5, 1]])
    t.strictSame(await read(cafe, NOW + 2 * HALF), [['cake', 1, 3], ['музыка', 0.5, 1], ['कॉफ़ी', 0.25, 1], ['coffee', 0.25, 1]])
    t.strictSame(await read(cafe, NOW + 2 * HALF, 2), [['cake', 1, 3], ['музыка', 0.5, 1]])
  })

  t.test('saying it again makes the same person new, not more', async t => {
    const cafe = newId()
    for (let index = 0; index <= 8; index++) await topics.add(cafe, mention('ann', ['spam'], NOW + index * HALF / 4))
    t.strictSame(await read(cafe, NOW + 2 * HALF), [['spam', 1, 9]])
    const repeated = mention('bob', ['spam'], NOW + 2 * HALF)
    for (let index = 0; index < 3; index++) await topics.add(cafe, repeated)
    t.strictSame(await read(cafe, NOW + 2 * HALF), [['spam', 2, 10]], 'a message counts once, also if it is counted twice')
  })

  t.test('a word of two above any word of one', async t => {
    const cafe = newId()
    await topics.add(cafe, mention('ann', ['shared'], NOW))
    await topics.add(cafe, mention('bob', ['shared'], NOW))
    for (let index = 1; index < 100; index++) await topics.add(cafe, mention('cem', ['monologue'], NOW + HALF * index / 100))
    t.strictSame(await names(cafe, NOW + HALF - 1), ['shared', 'monologue'], 'for a half-life, however often the one repeats it')
    await topics.add(cafe, mention('cem', ['monologue'], NOW + HALF))
    t.strictSame(await read(cafe, NOW + HALF), [['shared', 1, 2], ['monologue', 1, 100]], 'then they are even')
    await topics.add(cafe, mention('cem', ['monologue'], NOW + HALF + 1000))
    t.strictSame(await names(cafe, NOW + HALF + 1000), ['monologue', 'shared'], 'and what is new overtakes what is old')
    await topics.add(cafe, mention('bob', ['shared'], NOW + HALF + 1000))
    t.strictSame(await read(cafe, NOW + HALF + 1000, 1), [['shared', round(1 + 2 ** -(1 + 1000 / HALF)), 3]], 'said no earlier by one of two, it is above whatever the other said when')
  })

  t.test('a new topic overtakes an old one', async t => {
    const cafe = newId()
    for (const userId of ['ann', 'bob', 'cem', 'dan']) await topics.add(cafe, mention(userId, ['lunch'], NOW))
    const later = NOW + 2 * HALF
    await topics.add(cafe, mention('ann', ['dinner'], later))
    t.strictSame(await read(cafe, later), [['lunch', 1, 4], ['dinner', 1, 1]], 'one of now is four of two half-lives ago')
    await topics.add(cafe, mention('bob', ['dinner'], later))
    t.strictSame(await read(cafe, later), [['dinner', 2, 2], ['lunch', 1, 4]])
  })

  t.test('equal scores stand in the reverse order of their code points', async t => {
    const cafe = newId()
    const words = ['zebra', 'éclair', 'apple', '拿铁', 'café', '𝒍𝒂𝒕𝒕𝒆', 'ﬁn']
    await topics.add(cafe, mention('ann', words, NOW))
    t.strictSame(await names(cafe, NOW), ['𝒍𝒂𝒕𝒕𝒆', 'ﬁn', '拿铁', 'éclair', 'zebra', 'café', 'apple'])
    for (const limit of [1, 2, 3]) t.strictSame(await names(cafe, NOW, limit), ['𝒍𝒂𝒕𝒕𝒆', 'ﬁn', '拿铁'].slice(0, limit), 'also where the list ends')
    const other = newId()
    // The same people at the same times, in another order: the sums differ by what rounding leaves.
    for (const [userId, word, after] of [['ann', 'tart', 0], ['bob', 'tart', 7], ['ann', 'soup', 3], ['bob', 'soup', 5], ['bob', 'soup', 7], ['ann', 'tart', 9], ['ann', 'soup', 9]] as const) await topics.add(other, mention(userId, [word], NOW + after * 60_001))
    t.strictSame(await names(other, NOW + HALF), ['tart', 'soup'])
  })

  t.test('a word is gone when nobody said it for the expiry, its messages one by one before', async t => {
    const cafe = newId()
    await topics.add(cafe, mention('ann', ['once', 'twice'], NOW))
    await topics.add(cafe, mention('bob', ['twice'], NOW + HALF))
    t.strictSame(await read(cafe, NOW + EXPIRY), [['twice', 0.1875, 2], ['once', 0.0625, 1]])
    t.strictSame((await read(cafe, NOW + EXPIRY + 1)).map(([topic, , messages]) => [topic, messages]), [['twice', 1]])
    t.strictSame(await names(cafe, NOW + EXPIRY + HALF), ['twice'])
    t.strictSame(await names(cafe, NOW + EXPIRY + HALF + 1), [])
    await topics.add(cafe, mention('ann', ['twice'], NOW + 2 * EXPIRY))
    t.strictSame(await read(cafe, NOW + 2 * EXPIRY), [['twice', 1, 1]], 'and begins anew')
  })

  t.test('what somebody said too long ago counts no more when others say it', async t => {
    const cafe = newId()
    for (const userId of ['ann', 'bob', 'cem']) await topics.add(cafe, mention(userId, ['cake'], NOW))
    await topics.add(cafe, mention('dan', ['cake'], NOW + EXPIRY))
    t.strictSame(await read(cafe, NOW + EXPIRY), [['cake', 1.1875, 4]])
    await topics.add(cafe, mention('dan', ['cake'], NOW + EXPIRY + HALF))
    t.strictSame(await read(cafe, NOW + EXPIRY + HALF), [['cake', 1, 2]])
    await topics.add(cafe, mention('eve', ['cake'], NOW + HALF))
    t.strictSame(await read(cafe, NOW + EXPIRY + HALF), [['cake', 1.0625, 3]], 'an edit of long ago counts by its age')
    await topics.add(cafe, mention('eve', ['cake'], NOW))
    t.strictSame(await read(cafe, NOW + EXPIRY + HALF), [['cake', 1.0625, 3]], 'and not at all when it is too old')
  })

  t.test('a deleted message takes back what it added, and no more', async t => {
    const cafe = newId()
    const first = mention('ann', ['cake', 'cream'], NOW)
    const second = mention('ann', ['cake'], NOW + HALF)
    const other = mention('bob', ['cake'], NOW)
    for (const each of [first, second, other]) await topics.add(cafe, each)
    t.strictSame(await read(cafe, NOW + HALF), [['cake', 1.5, 3], ['cream', 0.5, 1]])
    await topics.remove(cafe, second)
    t.strictSame(await read(cafe, NOW + HALF), [['cake', 1, 2], ['cream', 0.5, 1]], 'what she said before counts again')
    await topics.add(cafe, second)
    await topics.remove(cafe, first)
    await topics.remove(cafe, first)
    t.strictSame(await read(cafe, NOW + HALF), [['cake', 1.5, 2]], 'once, and what she said since stays')
    await topics.remove(cafe, second)
    t.strictSame(await read(cafe, NOW), [['cake', 1, 1]], 'as if only he had said it')
    await topics.remove(cafe, other)
    t.strictSame(await topics.top(cafe, 10, NOW), [])
    await topics.add(cafe, mention('ann', ['cake'], NOW + 2 * HALF))
    t.strictSame(await read(cafe, NOW + 2 * HALF), [['cake', 1, 1]], 'a new mention counts at once')
    await topics.remove(newId(), first)
  })

  t.test('forms of one word are one word, shown in the shortest', async t => {
    const cafe = newId()
    const say = (userId: string, text: string, at = NOW): Mention => ({ ...mention(userId, [], at), words: [{ text, stem: 'пирог' }] })
    const [first, second] = [say('ann', 'пирога'), say('bob', 'пироге')]
    await topics.add(cafe, second)
    await topics.add(cafe, first)
    t.strictSame(await read(cafe, NOW), [['пирога', 2, 2]], 'of equally short ones the first by code points')
    await topics.add(cafe, say('cem', 'пирог'))
    await topics.add(cafe, say('dan', 'пирогами'))
    t.strictSame(await read(cafe, NOW), [['пирог', 4, 4]])
    await topics.remove(cafe, first)
    t.strictSame(await read(cafe, NOW), [['пирог', 3, 3]])
  })

  t.test('the newest messages of a word count, so many that it is known to be strong', async t => {
    const cafe = newId()
    const said = Array.from({ length: MOST + 1 }, (_, index) => mention(`user${index}`, ['coffee'], NOW))
    said[0]!.at = NOW - 1000
    for (const each of said) await topics.add(cafe, each)
    t.strictSame(await read(cafe, NOW), [['coffee', MOST, MOST]])
    await topics.remove(cafe, said[0]!)
    t.strictSame(await read(cafe, NOW), [['coffee', MOST, MOST]], 'what is forgotten takes nothing back')
    await topics.remove(cafe, said[1]!)
    t.strictSame(await read(cafe, NOW), [['coffee', MOST - 1, MOST - 1]])
  })

  t.test('keeps four times what may be shown, and a new word can rise in a full table', async t => {
    const cafe = newId()
    const old = Array.from({ length: 30 }, (_, index) => `word${index}`)
    for (const [index, word] of old.entries()) for (const userId of ['ann', 'bob', 'cem']) await topics.add(cafe, mention(userId, [word], NOW + index * 1000))
    t.strictSame(await names(cafe, NOW + 30_000), old.slice(-KEPT).reverse())
    await topics.add(cafe, mention('ann', ['fresh'], NOW + 30_000))
    await topics.add(cafe, mention('ann', ['noise', 'chatter', 'words', 'anything'], NOW + 31_000))
    t.equal((await names(cafe, NOW + 31_000)).length, KEPT)
    for (const userId of ['bob', 'cem', 'dan', 'eve']) await topics.add(cafe, mention(userId, ['fresh'], NOW + 32_000))
    t.match(await topics.top(cafe, 1, NOW + 32_000), [{ topic: 'fresh', messages: 5 }], 'the first who said it was not forgotten')
  })

  t.test('the strongest are not driven out by whatever one says', async t => {
    const cafe = newId()
    const strong = Array.from({ length: MAX_TOPICS }, (_, index) => `strong${index}`)
    for (const userId of ['ann', 'bob']) await topics.add(cafe, mention(userId, strong, NOW))
    for (let index = 0; index < 20; index++) await topics.add(cafe, mention('eve', Array.from({ length: 50 }, (_, word) => `flood${index}x${word}`), NOW + index))
    t.strictSame(await names(cafe, NOW + 20, MAX_TOPICS), strong.toReversed())
    t.equal((await names(cafe, NOW + 20)).length, KEPT)
  })

  t.test('a table full of what was strong long ago gives way', async t => {
    const cafe = newId()
    const strong = Array.from({ length: KEPT }, (_, index) => `strong${index}`)
    for (let index = 0; index < 40; index++) await topics.add(cafe, mention(`user${index}`, strong, NOW))
    const later = NOW + EXPIRY + 1
    for (const userId of ['ann', 'bob']) await topics.add(cafe, mention(userId, ['fresh'], later))
    t.strictSame(await read(cafe, later), [['fresh', 2, 2]])
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
        if (said.length > 0 && random.next() < 0.25) {
          const [gone] = said.splice(random.below(said.length), 1)
          model.remove(gone!)
          await node.remove(cafe, gone!)
        } else {
          const next = mention(`user${random.below(5)}`, [...new Set([random.pick(words), random.pick(words), random.pick(words)])], now)
          said.push(next)
          model.add(next)
          await node.add(cafe, next)
        }
        const [found, wanted] = [await node.top(cafe, 100, now), model.top(now)]
        t.strictSame(found.map(({ topic, messages }) => [topic, messages]), wanted.map(({ topic, messages }) => [topic, messages]), `seed ${seed}, step ${step}`)
        t.ok(found.every(({ score }, index) => Math.abs(score - wanted[index]!.score) < 1e-6), `scores, seed ${seed}, step ${step}`)
      }
    }
  })

  t.test('does not overflow over years', async t => {
    const cafe = newId()
    for (let year = 0; year < 30; year++) await topics.add(cafe, mention('ann', ['perennial'], NOW + year * 365 * 24 * 3600_000))
    const now = NOW + 29 * 365 * 24 * 3600_000
    t.strictSame(await read(cafe, now), [['perennial', 1, 1]])
    t.strictSame(await read(cafe, now + EXPIRY + 1), [])
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

import t from 'tap'
import { createTopics, MAX_MESSAGES } from '../../../stores/memory/topics.ts'
import { createRandom, newId, wordsOf } from '../../contracts/cast.ts'

const EXPIRY = 3_600_000
const HALF = EXPIRY / 4

t.test('a score is that of the newest messages, whatever came and went before', async t => {
  const topics = createTopics({ minWordLength: 3, maxTopics: 5, expiry: EXPIRY })
  const { next, below } = createRandom(7)
  const [cafe, words] = [newId(), wordsOf('coffee')]
  let said: Array<{ messageId: string, userId: string, at: number }> = []
  let now = 1_763_546_400_000
  let twice = {}
  let [most, removed, expired] = [0, 0, 0]

  for (let number = 0; number < 4000; number++) {
    // Few talk much and many seldom, some twice in one millisecond, some come late, and at times nobody says anything for long.
    now += next() < 0.004 ? 0.6 * EXPIRY : below(3)
    const at = next() < 0.1 ? now - below(20) : now
    const mention = { userId: `user ${Math.floor(next() ** 4 * 300)}`, at, ...next() < 0.1 ? twice : {}, messageId: `message ${number}` }
    twice = { userId: mention.userId, at: mention.at }
    await topics.add(cafe, { ...mention, words })
    said = [...said, mention].toSorted((a, b) => a.at - b.at)
    const fresh = said.filter(({ at }) => at >= said.at(-1)!.at - EXPIRY)
    expired += said.length - fresh.length
    said = fresh
    most = Math.max(most, said.length)
    said = said.slice(-MAX_MESSAGES)
    if (said.length > 1 && next() < 0.1) {
      const [gone] = said.splice(below(said.length), 1)
      await topics.remove(cafe, { ...gone!, words })
      removed++
    }
    const latest = new Map(said.map(({ userId, at }) => [userId, at]))
    const score = [...latest.values()].reduce((sum, at) => sum + 2 ** ((at - now) / HALF), 0)
    const [told] = await topics.top(cafe, 1, now)
    const counted = said.filter(({ at }) => at >= now - EXPIRY).length
    if (Math.abs(told!.score / score - 1) > 1e-6 || told!.messages !== counted) return t.same({ number, ...told }, { number, topic: 'coffee', score, messages: counted })
  }
  t.ok(most > MAX_MESSAGES && removed > 100 && expired > 100, `${most} at most, ${removed} removed, ${expired} expired`)
})

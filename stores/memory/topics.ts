import type { Config } from '../../schemas/config.ts'
import type { Topics } from '../../services/ports.ts'
import { createLru, type Lru } from './lru.ts'

/** Half-lives in which one mention fades below notice: to a sixteenth. */
export const FADES_IN = 4
/** Words kept for each that may be shown, so that a new one can rise. */
export const KEPT_PER_SHOWN = 4
/** Between two claims of one cafe. */
export const CLAIM_PAUSE_MS = 1000

/** Cafes whose topics are kept, and authors remembered for each word: those not heard of for longest are forgotten first. */
const MAX_CAFES = 1000
const MAX_AUTHORS = 1000
/** A rest this small (less than a mention after three expiries) is what rounding left. */
const NOTHING = 1e-4

/** `score`: log2 of the decayed count on an axis that runs forward; plain weights overflow after 1024 half-lives. */
interface Word { score: number, said: Lru<{ messageId: string, at: number }> }
interface Cafe { words: Map<string, Word>, shown: string[], shownAt: number }

/** Times come in with each call: this driver has no clock. */
export function createTopics ({ maxTopics, expiry }: Config['topics']): Topics {
  const half = expiry / FADES_IN
  const cafes = createLru<Cafe>(MAX_CAFES)

  function strongest (cafeId: string, limit: number, at: number): Array<[string, Word]> {
    const least = at / half - FADES_IN
    return [...cafes.get(cafeId)?.words ?? []].filter(([, { score }]) => score >= least).sort(byStrength).slice(0, limit)
  }

  return {
    async add (cafeId, { messageId, userId, words, at }) {
      const cafe = cafes.get(cafeId) ?? { words: new Map(), shown: [], shownAt: -Infinity }
      cafes.set(cafeId, cafe)
      const weight = at / half
      for (const text of new Set(words)) {
        const word = cafe.words.get(text)
        const before = word?.said.get(userId)
        if (before !== undefined && at - before.at < half) continue
        const said = word?.said ?? createLru(MAX_AUTHORS)
        said.set(userId, { messageId, at })
        cafe.words.set(text, { score: word === undefined ? weight : sum(word.score, weight), said })
      }
      const weakest = [...cafe.words].sort(byStrength).slice(maxTopics * KEPT_PER_SHOWN)
      for (const [text] of weakest) cafe.words.delete(text)
    },

    async remove (cafeId, { messageId, userId, words }) {
      const cafe = cafes.get(cafeId)
      for (const text of new Set(words)) {
        const word = cafe?.words.get(text)
        const mention = word?.said.get(userId)
        if (cafe === undefined || word === undefined || mention?.messageId !== messageId) continue
        word.said.delete(userId)
        const above = word.score - mention.at / half
        if (above > NOTHING) word.score += Math.log2(1 - 2 ** -above)
        else cafe.words.delete(text)
      }
    },

    async top (cafeId, limit, at) {
      return strongest(cafeId, limit, at).map(([text]) => text)
    },

    async claim (cafeId, limit, at) {
      const found = strongest(cafeId, limit, at)
      const cafe = cafes.get(cafeId)
      if (cafe === undefined) return {}
      const topics = found.map(([text]) => text)
      // Weaker words fade before the weakest of the list and change nothing in it.
      const weakest = found.at(-1)
      const again = weakest === undefined ? {} : { againIn: Math.floor((weakest[1].score + FADES_IN) * half - at) + 1 }
      if (topics.length === cafe.shown.length && topics.every((text, index) => text === cafe.shown[index])) return again
      const waited = at - cafe.shownAt
      if (waited < CLAIM_PAUSE_MS) return { againIn: Math.min(CLAIM_PAUSE_MS, CLAIM_PAUSE_MS - waited) }
      Object.assign(cafe, { shown: topics, shownAt: at })
      return { topics, ...again }
    }
  }
}

/** The sum of two counts that are given as logarithms. */
const sum = (a: number, b: number) => Math.max(a, b) + Math.log2(1 + 2 ** -Math.abs(a - b))

/** The strongest first; equal ones in an order that stays, that of a ZSET read backwards. */
function byStrength ([a, { score: x }]: [string, Word], [b, { score: y }]: [string, Word]): number {
  if (x !== y) return y - x
  return a < b ? 1 : -1
}

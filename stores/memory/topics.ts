import type { Config } from '../../schemas/config.ts'
import type { Topics } from '../../services/ports.ts'
import { createLru } from './lru.ts'

/** Half-lives in which a mention fades below notice: to a sixteenth. */
export const FADES_IN = 4
/** Words kept for each that may be shown, so that a new one can rise. */
export const KEPT_PER_SHOWN = 4
/** Messages that count for a word, the newest: what bounds its memory. */
export const MAX_MESSAGES = 500
/** Between two claims of one cafe. */
export const CLAIM_PAUSE_MS = 1000
/** Of a score, so that two ways to the same sum meet again: what is below it is rounding. */
export const STEPS = 1e6

/** Cafes whose topics are kept: those not heard of for longest are forgotten first. */
const MAX_CAFES = 1000

interface Said { messageId: string, userId: string, at: number }
/**
 * `said`: oldest first, never empty. `authors`: when each of them said it last. `score`: log2 of the decayed sum on an axis that runs
 * forward; plain weights overflow after 1024 half-lives.
 */
interface Entry { text: string, said: Said[], authors: Map<string, number>, score: number }
interface Cafe { words: Map<string, Entry>, shown: string[], shownAt: number }

/** Times come in with each call: this driver has no clock. */
export function createTopics ({ maxTopics, expiry }: Config['topics']): Topics {
  const half = expiry / FADES_IN
  const cafes = createLru<Cafe>(MAX_CAFES)

  /** Those said within the expiry. */
  function strongest (words: Map<string, Entry>, limit: number, at: number): Entry[] {
    return [...words.values()].filter(entry => newest(entry) >= at - expiry).sort(byStrength).slice(0, limit)
  }

  function add (words: Map<string, Entry>, stem: string, text: string, mention: Said) {
    const entry = words.get(stem) ?? { text, said: [], authors: new Map(), score: 0 }
    const { said, authors } = entry
    const after = said.findLastIndex(({ at }) => at <= mention.at)
    // The same message has the same time.
    for (let index = after; said[index]?.at === mention.at; index--) if (said[index]!.messageId === mention.messageId) return
    said.splice(after + 1, 0, mention)
    authors.set(mention.userId, Math.max(mention.at, authors.get(mention.userId) ?? -Infinity))
    const since = newest(entry) - expiry
    let old = Math.max(0, said.length - MAX_MESSAGES)
    while (said[old]!.at < since) old++
    for (const { userId, at } of said.splice(0, old)) if (authors.get(userId) === at && !isSaid(said, userId, at)) authors.delete(userId)
    entry.score = strengthOf(authors, half)
    if (isPlainer(text, entry.text)) entry.text = text
    words.set(stem, entry)
  }

  /** Of the words that are too many those go that were said longest ago, but none of the strongest. */
  function evict (words: Map<string, Entry>, at: number) {
    for (const [stem, entry] of words) if (newest(entry) < at - expiry) words.delete(stem)
    const over = words.size - maxTopics * KEPT_PER_SHOWN
    if (over <= 0) return
    const safe = new Set(strongest(words, maxTopics, at))
    const others = [...words].filter(([, entry]) => !safe.has(entry)).sort(([a, x], [b, y]) => newest(x) - newest(y) || compare(a, b))
    for (const [stem] of others.slice(0, over)) words.delete(stem)
  }

  return {
    async add (cafeId, { messageId, userId, words, at }) {
      const cafe = cafes.get(cafeId) ?? { words: new Map(), shown: [], shownAt: -Infinity }
      cafes.set(cafeId, cafe)
      evict(cafe.words, at)
      for (const { stem, text } of words) add(cafe.words, stem, text, { messageId, userId, at })
      evict(cafe.words, at)
    },

    async remove (cafeId, { messageId, words }) {
      const cafe = cafes.get(cafeId)
      for (const { stem } of words) {
        const entry = cafe?.words.get(stem)
        if (cafe === undefined || entry === undefined) continue
        entry.said = entry.said.filter(said => said.messageId !== messageId)
        if (entry.said.length === 0) cafe.words.delete(stem)
        else {
          entry.authors = new Map(entry.said.map(({ userId, at }) => [userId, at]))
          entry.score = strengthOf(entry.authors, half)
        }
      }
    },

    async top (cafeId, limit, at) {
      return strongest(cafes.get(cafeId)?.words ?? new Map(), limit, at).map(({ text, said, score }) =>
        ({ topic: text, score: 2 ** (score - at / half), messages: said.filter(mention => mention.at >= at - expiry).length }))
    },

    async claim (cafeId, limit, at) {
      const cafe = cafes.get(cafeId)
      if (cafe === undefined) return {}
      const found = strongest(cafe.words, limit, at)
      const topics = found.map(({ text }) => text)
      // Scores keep their order as they fade: only a word that goes changes the list by itself.
      const again = found.length === 0 ? {} : { againIn: Math.floor(Math.min(...found.map(newest)) + expiry - at) + 1 }
      if (topics.length === cafe.shown.length && topics.every((text, index) => text === cafe.shown[index])) return again
      const waited = at - cafe.shownAt
      if (waited < CLAIM_PAUSE_MS) return { againIn: Math.min(CLAIM_PAUSE_MS, CLAIM_PAUSE_MS - waited) }
      Object.assign(cafe, { shown: topics, shownAt: at })
      return { topics, ...again }
    }
  }
}

const newest = ({ said }: Entry): number => said.at(-1)!.at

/** Did the author say it at this time, the oldest that there is? */
function isSaid (said: readonly Said[], userId: string, at: number): boolean {
  for (let index = 0; said[index]?.at === at; index++) if (said[index]!.userId === userId) return true
  return false
}

/** log2 of the sum over authors of 2^(time of their newest mention / half). */
function strengthOf (authors: ReadonlyMap<string, number>, half: number): number {
  let most = -Infinity
  for (const at of authors.values()) most = Math.max(most, at)
  let sum = 0
  for (const at of authors.values()) sum += 2 ** ((at - most) / half)
  return most / half + Math.log2(sum)
}

/** The first by code points: what Redis compares are bytes of UTF-8, which have their order. */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** The form of a word to show: a shorter one is mostly the one without endings. */
function isPlainer (a: string, b: string): boolean {
  return (Buffer.byteLength(a) - Buffer.byteLength(b) || compare(a, b)) < 0
}

/** Equal ones as a ZSET has them that is read backwards. */
function byStrength (a: Entry, b: Entry): number {
  return Math.round(b.score * STEPS) - Math.round(a.score * STEPS) || compare(b.text, a.text)
}

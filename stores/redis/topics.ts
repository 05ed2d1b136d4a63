import type { Redis } from 'ioredis'
import type { Config } from '../../schemas/config.ts'
import type { Mention, Topics } from '../../services/ports.ts'
import { CLAIM_PAUSE_MS, FADES_IN, KEPT_PER_SHOWN, MAX_MESSAGES, STEPS } from '../memory/topics.ts'
import { cafeTopics, cafeTopicsLast, cafeTopicsShown, cafeTopicsWords } from './keys.ts'
import { addMention, claimList, readList, removeMention } from './scripts-topics.ts'

/** Scores in a ZSET, higher for what is talked about more now; beside them the messages that they are made of. All end by themselves. */
export function createTopics (data: (key: string) => Redis, { maxTopics, expiry }: Config['topics']): Topics {
  const half = expiry / FADES_IN
  const laneOf = (cafeId: string) => data(cafeTopics(cafeId))
  const keysOf = (cafeId: string) => [cafeTopics(cafeId), cafeTopicsLast(cafeId), cafeTopicsWords(cafeId)]
  const common = (cafeId: string) => [cafeId, half, expiry, STEPS]
  const listed = (words: Mention['words']) => words.flatMap(({ stem, text }) => [stem, text])

  return {
    async add (cafeId, { messageId, userId, words, at }) {
      await addMention(laneOf(cafeId), keysOf(cafeId), [...common(cafeId), at, maxTopics, maxTopics * KEPT_PER_SHOWN, MAX_MESSAGES, userId, messageId, ...listed(words)])
    },

    async remove (cafeId, { messageId, userId, words }) {
      await removeMention(laneOf(cafeId), keysOf(cafeId), [...common(cafeId), userId, messageId, ...words.map(({ stem }) => stem)])
    },

    async top (cafeId, limit, at) {
      const found = await readList(laneOf(cafeId), keysOf(cafeId), [...common(cafeId), at, limit])
      return found.map(([topic, score, messages]) => ({ topic, score: 2 ** (Number(score) - at / half), messages }))
    },

    async claim (cafeId, limit, at) {
      const keys = [...keysOf(cafeId), cafeTopicsShown(cafeId)]
      const [claimed, againIn, ...topics] = await claimList(laneOf(cafeId), keys, [...common(cafeId), at, limit, CLAIM_PAUSE_MS])
      return { ...(claimed === 1 && { topics }), ...(againIn >= 0 && { againIn }) }
    }
  }
}

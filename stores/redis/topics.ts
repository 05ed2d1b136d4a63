import type { Redis } from 'ioredis'
import type { Config } from '../../schemas/config.ts'
import type { Topics } from '../../services/ports.ts'
import { CLAIM_PAUSE_MS, FADES_IN, KEPT_PER_SHOWN } from '../memory/topics.ts'
import { cafeTopics, cafeTopicsShown } from './keys.ts'
import { addMention, claimList, removeMention } from './scripts-topics.ts'

/**
 * Scores in a ZSET, higher for what is talked about more now; beside them who said a word when. That is remembered for the
 * expiry: what a message added longer ago is below notice, and a deletion leaves it to fade.
 */
export function createTopics (data: (key: string) => Redis, { maxTopics, expiry }: Config['topics']): Topics {
  const half = expiry / FADES_IN
  const laneOf = (cafeId: string) => data(cafeTopics(cafeId))

  return {
    async add (cafeId, { messageId, userId, words, at }) {
      await addMention(laneOf(cafeId), [cafeTopics(cafeId)], [cafeId, at, half, expiry, maxTopics * KEPT_PER_SHOWN, userId, messageId, ...new Set(words)])
    },

    async remove (cafeId, { messageId, userId, words }) {
      await removeMention(laneOf(cafeId), [cafeTopics(cafeId)], [cafeId, half, userId, messageId, ...new Set(words)])
    },

    top: (cafeId, limit, at) => laneOf(cafeId).zrevrangebyscore(cafeTopics(cafeId), '+inf', at / half - FADES_IN, 'LIMIT', 0, limit),

    async claim (cafeId, limit, at) {
      const keys = [cafeTopics(cafeId), cafeTopicsShown(cafeId)]
      const [claimed, againIn, ...topics] = await claimList(laneOf(cafeId), keys, [at, half, FADES_IN, limit, CLAIM_PAUSE_MS])
      return { ...(claimed === 1 && { topics }), ...(againIn >= 0 && { againIn }) }
    }
  }
}

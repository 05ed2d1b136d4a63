import type { Redis } from 'ioredis'

const stopWords = [
  'about', 'after', 'also', 'been', 'before', 'could', 'does', 'from', 'have', 'here', 'into', 'just', 'like', 'more',
  'only', 'other', 'over', 'some', 'than', 'that', 'their', 'them', 'then', 'there', 'these', 'they', 'this', 'very',
  'want', 'were', 'what', 'when', 'where', 'which', 'will', 'with', 'would', 'your'
]

export type Topics = ReturnType<typeof createTopics>

/**
 * Trending words by plain counting. Its faults are the specification's: only words of a to z without punctuation count,
 * whoever ranks below the fiftieth is thrown out at once, and each message puts the expiry of the whole set off.
 *
 * @param expirySeconds how long the set lives after the newest message
 */
export function createTopics (redis: Redis, expirySeconds: number) {
  const keyOf = (cafeId: string) => `cafe:${cafeId}:topics`

  async function count (cafeId: string, content: string): Promise<void> {
    const words = content.toLowerCase().split(/\s+/)
      .filter(word => word.length > 3 && !stopWords.includes(word) && /^[a-z]+$/.test(word))
    if (words.length === 0) return
    const pipeline = redis.pipeline()
    for (const word of words) pipeline.zincrby(keyOf(cafeId), 1, word)
    await pipeline.exec()
    await redis.zremrangebyrank(keyOf(cafeId), 0, -51)
    await redis.expire(keyOf(cafeId), expirySeconds)
  }

  async function trending (cafeId: string, limit: number): Promise<string[]> {
    return await redis.zrevrange(keyOf(cafeId), 0, limit - 1)
  }

  return { count, trending }
}

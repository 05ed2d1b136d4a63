import t from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import type { Topics } from '../../services/ports.ts'
import { extractWords } from '../../services/words.ts'
import { createTopics as createInMemory } from '../../stores/memory/topics.ts'
import { createTopics as createInRedis } from '../../stores/redis/topics.ts'
import { newId } from '../contracts/cast.ts'
import { openState } from '../stores/redis/state.ts'
import { startRedis } from '../support/servers.ts'
import { type Conversation, readCorpus } from './corpus.ts'

const { topics: config } = loadConfig({})
const BEGIN = Date.UTC(2025, 10, 19, 10)
const corpus = readCorpus()

/** What a driver says when the last line was said. */
async function hold (topics: Topics, { lines }: Conversation) {
  const cafe = newId()
  for (const [index, { author, content, at }] of lines.entries()) {
    await topics.add(cafe, { messageId: `message${index}`, userId: author, words: extractWords(content, config.minWordLength), at: BEGIN + at })
  }
  return topics.top(cafe, config.maxTopics, BEGIN + lines.at(-1)!.at)
}

t.test('the corpus is what it says', async t => {
  for (const name of ['arabic', 'chinese', 'english', 'french', 'german', 'hindi', 'japanese', 'mixed', 'russian']) {
    t.ok(corpus.some(conversation => conversation.name === name), name)
  }
  for (const { name, topics, lines } of corpus) {
    t.equal(topics.length, 5, name)
    t.ok(lines.length >= 10 && lines.length <= 30, `${name}: ${lines.length} messages`)
    t.ok(new Set(lines.map(({ author }) => author)).size >= 3, `${name}: several authors`)
  }
})

t.test('the five topics that a reader names, by both drivers', async t => {
  const { url } = await startRedis(t)
  const { data } = await openState(t, url)
  const [memory, redis] = [createInMemory(config), createInRedis(data, config)]
  for (const conversation of corpus) {
    const [here, there] = [await hold(memory, conversation), await hold(redis, conversation)]
    t.strictSame(here.slice(0, 5).map(({ topic }) => topic), conversation.topics, conversation.name)
    const [first, second] = [here, there].map(list => list.map(({ topic, score, messages }) => `${topic} ${score.toFixed(4)} ${messages}`))
    t.strictSame(second, first, `${conversation.name}: the whole list, the same from Redis`)
  }
})

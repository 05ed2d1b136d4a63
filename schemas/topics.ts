import { Type, type Static } from '@sinclair/typebox'
import { CafeId, Ref, Strict } from './common.ts'
import { cafeId } from './examples.ts'

export const TopicsQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'How many topics to name' }))
})
export type TopicsQuery = Static<typeof TopicsQuery>

const topics = Type.Array(Type.String(), { description: 'Most talked about first', examples: [['espresso', 'laptop', '音楽']] })

export const TopicsUpdate = Strict({
  cafeId: CafeId,
  topics
}, { $id: 'TopicsUpdate', title: 'TopicsUpdate', description: 'The topics of a cafe changed', examples: [{ cafeId, topics: ['espresso', 'laptop', '音楽'] }] })
export type TopicsUpdate = Static<typeof TopicsUpdate>

const espresso = { topic: 'espresso', score: 2.4142, messages: 5 }

export const TopicDetails = Strict({
  topic: Type.String({ description: 'The word, in lower case', examples: ['espresso'] }),
  score: Type.Number({ exclusiveMinimum: 0, description: 'How many people talk about it, each counted by the age of their newest message: 1 when new, half after each quarter of TOPIC_EXPIRY_SECONDS. Four decimals', examples: [2.4142] }),
  messages: Type.Integer({ minimum: 1, maximum: 500, description: 'How many messages of the last TOPIC_EXPIRY_SECONDS have the word', examples: [5] })
}, { $id: 'TopicDetails', title: 'TopicDetails', description: 'How much a cafe talks about a word', examples: [espresso] })
export type TopicDetails = Static<typeof TopicDetails>

export const CafeTopics = Strict({
  cafeId: CafeId,
  topics,
  details: Type.Array(Ref(TopicDetails), { description: 'The same topics in the same order' })
}, { $id: 'CafeTopics', title: 'CafeTopics', description: 'What a cafe talks about', examples: [{ cafeId, topics: ['espresso'], details: [espresso] }] })
export type CafeTopics = Static<typeof CafeTopics>

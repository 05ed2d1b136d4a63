import { Type, type Static } from '@sinclair/typebox'
import { Strict, Uuid } from './common.ts'

export const TopicsQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 }))
})
export type TopicsQuery = Static<typeof TopicsQuery>

const topics = Type.Array(Type.String(), { description: 'Most talked about first' })

export const TopicsUpdate = Strict({
  cafeId: Uuid,
  topics
}, { $id: 'TopicsUpdate', title: 'TopicsUpdate', description: 'The topics of a cafe changed' })
export type TopicsUpdate = Static<typeof TopicsUpdate>

const TopicDetails = Strict({
  topic: Type.String(),
  score: Type.Number({ exclusiveMinimum: 0, description: 'How many people talk about it, each counted by the age of their newest message: 1 when new, half after each quarter of TOPIC_EXPIRY_SECONDS. Four decimals' }),
  messages: Type.Integer({ minimum: 1, maximum: 500, description: 'How many messages of the last TOPIC_EXPIRY_SECONDS have the word' })
})

export const CafeTopics = Strict({
  cafeId: Uuid,
  topics,
  details: Type.Array(TopicDetails, { description: 'The same topics in the same order' })
}, { $id: 'CafeTopics', title: 'CafeTopics', description: 'What a cafe talks about' })
export type CafeTopics = Static<typeof CafeTopics>

import { Type, type Static } from '@sinclair/typebox'
import { Strict, Uuid } from './common.ts'

export const TopicsQuery = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 10 }))
})
export type TopicsQuery = Static<typeof TopicsQuery>

export const CafeTopics = Strict({
  cafeId: Uuid,
  topics: Type.Array(Type.String(), { description: 'Most talked about first' })
}, { $id: 'CafeTopics', title: 'CafeTopics', description: 'What a cafe talks about' })
export type CafeTopics = Static<typeof CafeTopics>

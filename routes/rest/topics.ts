import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CafeParams, Ref } from '../../schemas/common.ts'
import { CafeTopics, TopicsQuery } from '../../schemas/topics.ts'
import { failures } from './failures.ts'

const topics: FastifyPluginAsyncTypebox = async function topics (fastify) {
  const { topics } = fastify.services

  fastify.route({
    method: 'GET',
    url: '/api/chat/topics/:cafeId',
    schema: {
      operationId: 'listTopics',
      summary: 'See what a cafe talks about',
      tags: ['topics'],
      params: CafeParams,
      querystring: TopicsQuery,
      response: { 200: Ref(CafeTopics), ...failures(400, 401, 404, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onTopics (request) {
      return topics.top(request.params.cafeId, request.query.limit!)
    }
  })
}

export default topics

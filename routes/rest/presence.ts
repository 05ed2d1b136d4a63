import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CafeParams, Ref } from '../../schemas/common.ts'
import { CafePresence, PresenceQuery } from '../../schemas/presence.ts'
import { failures } from './failures.ts'

const presence: FastifyPluginAsyncTypebox = async function presence (fastify) {
  const { presence } = fastify.services

  fastify.route({
    method: 'GET',
    url: '/api/chat/presence/:cafeId',
    schema: {
      summary: 'See who is in a cafe',
      tags: ['presence'],
      params: CafeParams,
      querystring: PresenceQuery,
      response: { 200: Ref(CafePresence), ...failures(400, 401, 404, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onPresence (request) {
      return presence.members(request.params.cafeId, request.query.limit!)
    }
  })
}

export default presence

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CafeParams, Ref } from '../../schemas/common.ts'
import { CafePresence, PresenceQuery, UserPresences, UsersQuery } from '../../schemas/presence.ts'
import { failures } from './failures.ts'

const presence: FastifyPluginAsyncTypebox = async function presence (fastify) {
  const { presence } = fastify.services

  fastify.route({
    method: 'GET',
    url: '/api/chat/presence/:cafeId',
    schema: {
      operationId: 'listMembers',
      summary: 'See who is in a cafe',
      tags: ['presence'],
      params: CafeParams,
      querystring: PresenceQuery,
      response: { 200: Ref(CafePresence), ...failures(400, 401, 404, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onPresence (request) {
      const { limit, cursor } = request.query
      return presence.members(request.params.cafeId, limit!, cursor)
    }
  })

  fastify.route({
    method: 'GET',
    url: '/api/chat/presence',
    schema: {
      operationId: 'findUsers',
      summary: 'See how some users are',
      tags: ['presence'],
      querystring: UsersQuery,
      response: { 200: Ref(UserPresences), ...failures(400, 401, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onUsers (request) {
      return presence.find(request.query.userIds.split(','))
    }
  })
}

export default presence

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Ref } from '../../schemas/common.ts'
import { RevocationRequest, TokenRevocation } from '../../schemas/revocations.ts'
import { failures } from './failures.ts'

const revocations: FastifyPluginAsyncTypebox = async function revocations (fastify) {
  const { revocations } = fastify.services

  fastify.route({
    method: 'POST',
    url: '/api/auth/revocations',
    schema: {
      operationId: 'revokeTokens',
      summary: 'Take back the tokens of a user, or one token; for admins',
      tags: ['auth'],
      body: Ref(RevocationRequest),
      response: { 201: Ref(TokenRevocation), ...failures(400, 401, 403, 413, 415, 429, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onRevoke (request, reply) {
      const { at, until, userId, tokenId } = await revocations.revoke(request.user, request.body)
      return reply.code(201).send({
        ...(userId !== undefined && { userId }),
        ...(tokenId !== undefined && { tokenId }),
        revokedAt: new Date(at).toISOString(),
        endsAt: new Date(until).toISOString()
      })
    }
  })
}

export default revocations

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Ref } from '../../schemas/common.ts'
import { GuestRequest, Session, TokenHolder, TokenRequest } from '../../schemas/users.ts'
import { refuse } from '../../services/errors.ts'
import { failures } from './failures.ts'

const auth: FastifyPluginAsyncTypebox = async function auth (fastify) {
  const { accounts, identities } = fastify.services

  fastify.route({
    method: 'POST',
    url: '/api/auth/guest',
    schema: {
      operationId: 'enterAsGuest',
      summary: 'Become a guest, with a name of your own or a friendly one made up here',
      tags: ['auth'],
      body: Ref(GuestRequest),
      response: { 201: Ref(Session), ...failures(400, 413, 415, 500, 503) }
    },
    preValidation: async function allowNoBody (request) {
      if (request.body === undefined) request.body = {}
    },
    handler: async function onGuest (request, reply) {
      const user = await accounts.welcome(request.body.username)
      return reply.code(201).header('cache-control', 'no-store').send(fastify.issue(user))
    }
  })

  fastify.route({
    method: 'POST',
    url: '/api/auth/refresh',
    schema: {
      operationId: 'refreshToken',
      summary: 'Exchange a token that was made here and is still valid for a new one',
      tags: ['auth'],
      response: { 200: Ref(Session), ...failures(400, 401, 403, 413, 415, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onRefresh (request, reply) {
      // Or whoever was in once could stay for ever, whatever the issuer thinks of them by now.
      if (request.identity.issuer !== undefined) throw refuse('CHAT_FORBIDDEN', { message: 'A new token comes from the issuer of this one' })
      return reply.header('cache-control', 'no-store').send(fastify.issue(request.user))
    }
  })

  fastify.route({
    method: 'POST',
    url: '/api/auth/link',
    schema: {
      operationId: 'linkAccount',
      summary: 'As a guest, become an account of another issuer and keep id and history',
      tags: ['auth'],
      body: Ref(TokenRequest),
      response: { 200: Ref(TokenHolder), ...failures(400, 401, 403, 409, 413, 415, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onLink (request, reply) {
      await identities.link(request.identity, await fastify.examine(request.body.token))
      const { user, expiresAt } = await fastify.identify(request.body.token)
      return reply.header('cache-control', 'no-store').send({ user, expiresAt: new Date(expiresAt).toISOString() })
    }
  })
}

export default auth

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Ref } from '../../schemas/common.ts'
import { Liveness, Readiness } from '../../schemas/health.ts'

const health: FastifyPluginAsyncTypebox = async function health (fastify) {
  const { health } = fastify

  fastify.route({
    method: 'GET',
    url: '/health/live',
    schema: {
      operationId: 'isAlive',
      summary: 'Whether the process answers',
      tags: ['health'],
      response: { 200: Ref(Liveness) }
    },
    handler: async function onLive () {
      return { status: 'alive' as const, nodeId: health.nodeId }
    }
  })

  fastify.route({
    method: 'GET',
    url: '/health/ready',
    schema: {
      operationId: 'isReady',
      summary: 'Whether this node should get traffic',
      tags: ['health'],
      response: { 200: Ref(Readiness), 503: Ref(Readiness) }
    },
    handler: async function onReady (_request, reply) {
      const { statusCode, body } = health.readiness()
      return reply.code(statusCode).send(body)
    }
  })
}

export default health

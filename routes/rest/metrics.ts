import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'

const metrics: FastifyPluginAsyncTypebox = async function metrics (fastify) {
  const { registry } = fastify.metrics

  fastify.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      operationId: 'readMetrics',
      summary: 'Numbers for Prometheus',
      tags: ['health'],
      response: { 200: { content: { 'text/plain': { schema: Type.String() } } } }
    },
    handler: async function onMetrics (_request, reply) {
      const text = await registry.metrics()
      return reply.type(registry.contentType).send(text)
    }
  })
}

export default metrics

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { failures } from './failures.ts'

const metrics: FastifyPluginAsyncTypebox = async function metrics (fastify) {
  const { registry } = fastify.metrics

  fastify.route({
    method: 'GET',
    url: '/metrics',
    schema: {
      operationId: 'readMetrics',
      summary: 'Numbers for Prometheus',
      tags: ['health'],
      response: { 200: { content: { 'text/plain': { schema: Type.String() } } }, ...failures(500) }
    },
    handler: async function onMetrics (_request, reply) {
      const text = await registry.metrics()
      return reply.type(registry.contentType).send(text)
    }
  })
}

export default metrics

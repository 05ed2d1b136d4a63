import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Ref } from '../../schemas/common.ts'
import { Index } from '../../schemas/health.ts'

const home: FastifyPluginAsyncTypebox = async function home (fastify) {
  const { prefix } = fastify
  const { name, version } = fastify.about
  const index: Index = {
    name,
    version,
    links: {
      guest: `${prefix}/api/auth/guest`,
      cafes: `${prefix}/api/cafes`,
      socket: fastify.config.socket.path,
      docs: `${prefix}/docs`,
      live: `${prefix}/health/live`,
      ready: `${prefix}/health/ready`,
      metrics: `${prefix}/metrics`
    }
  }

  fastify.route({
    method: 'GET',
    url: '/',
    schema: {
      operationId: 'findLinks',
      summary: 'Where things are',
      tags: ['home'],
      response: { 200: Ref(Index) }
    },
    handler: async function onHome () {
      return index
    }
  })
}

export default home

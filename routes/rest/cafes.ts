import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Cafe, CafeList, CafeListQuery, CafeRequest } from '../../schemas/cafes.ts'
import { CafeIdParams, Ref } from '../../schemas/common.ts'
import { failures } from './failures.ts'

const cafes: FastifyPluginAsyncTypebox = async function cafes (fastify) {
  const { cafes } = fastify.services

  fastify.route({
    method: 'POST',
    url: '/api/cafes',
    schema: {
      operationId: 'openCafe',
      summary: 'Open a cafe',
      tags: ['cafes'],
      body: Ref(CafeRequest),
      response: { 201: Ref(Cafe), ...failures(400, 401, 413, 415, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onOpen (request, reply) {
      const cafe = await cafes.open(request.body.name)
      return reply.code(201).send(cafe)
    }
  })

  fastify.route({
    method: 'GET',
    url: '/api/cafes',
    schema: {
      operationId: 'listCafes',
      summary: 'List the cafes, newest first',
      tags: ['cafes'],
      querystring: CafeListQuery,
      response: { 200: Ref(CafeList), ...failures(400, 401, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onList (request) {
      return cafes.list(request.query)
    }
  })

  fastify.route({
    method: 'GET',
    url: '/api/cafes/:id',
    schema: {
      operationId: 'getCafe',
      summary: 'Look at one cafe',
      tags: ['cafes'],
      params: CafeIdParams,
      response: { 200: Ref(Cafe), ...failures(400, 401, 404, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onGet (request) {
      return cafes.get(request.params.id)
    }
  })
}

export default cafes

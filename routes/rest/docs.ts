import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { style } from '../../documents/index.ts'
import { Strict } from '../../schemas/common.ts'
import { refuse } from '../../services/errors.ts'
import { failures } from './failures.ts'

const Document = Type.Object({}, { additionalProperties: true, description: 'The document' })

/** Nothing that the page needs comes from elsewhere, and nothing in it runs. */
const POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const FILE = '^[A-Za-z]{1,40}\\.json$'

const docs: FastifyPluginAsyncTypebox = async function docs (fastify) {
  fastify.route({
    method: 'GET',
    url: '/docs',
    schema: {
      operationId: 'readReference',
      summary: 'The reference for people: every route and every event',
      tags: ['docs'],
      response: { 200: { content: { 'text/html': { schema: Type.String({ description: 'A page' }) } } } }
    },
    handler: async function onReference (_request, reply) {
      reply.header('content-security-policy', POLICY).header('cache-control', 'no-cache')
      return reply.type('text/html; charset=utf-8').send(fastify.docs().reference)
    }
  })

  fastify.route({
    method: 'GET',
    url: '/docs/reference.css',
    schema: {
      operationId: 'readStyle',
      summary: 'How that page looks',
      tags: ['docs'],
      response: { 200: { content: { 'text/css': { schema: Type.String({ description: 'A style sheet' }) } } } }
    },
    handler: async function onStyle (_request, reply) {
      return reply.header('cache-control', 'no-cache').type('text/css; charset=utf-8').send(style)
    }
  })

  for (const [url, operationId, summary] of [
    ['openapi.json', 'readOpenApi', 'The routes, as OpenAPI 3.1'],
    ['asyncapi.json', 'readAsyncApi', 'The socket events, as AsyncAPI 3']
  ] as const) {
    fastify.route({
      method: 'GET',
      url: `/docs/${url}`,
      schema: { operationId, summary, tags: ['docs'], response: { 200: Document } },
      handler: async function onDocument (_request, reply) {
        return reply.header('cache-control', 'no-cache').type('application/json; charset=utf-8').send(fastify.docs().files.get(url)!)
      }
    })
  }

  fastify.route({
    method: 'GET',
    url: '/docs/schemas/:file',
    schema: {
      operationId: 'readSchema',
      summary: 'One JSON Schema, such as Message.json; Contract.json has all of them',
      tags: ['docs'],
      params: Strict({ file: Type.String({ pattern: FILE, description: 'The name of a type, with its ending', examples: ['Message.json'] }) }),
      response: { 200: { content: { 'application/schema+json': { schema: Document } } }, ...failures(400, 404) }
    },
    handler: async function onSchema (request, reply) {
      const text = fastify.docs().files.get(`schemas/${request.params.file}`)
      if (text === undefined) throw refuse('CHAT_ROUTE_NOT_FOUND')
      return reply.header('cache-control', 'no-cache').type('application/schema+json; charset=utf-8').send(text)
    }
  })
}

export default docs

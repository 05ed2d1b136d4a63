import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { CafeIdParams, MessageIdParams, Ref } from '../../schemas/common.ts'
import { Deleted, EditBody, EditReply, MessagePage, PageQuery, SendBody, SendReply } from '../../schemas/messages.ts'
import { failures } from './failures.ts'

// One parameter name on all of them, though it is a cafe's id here and a message's there: the router and OpenAPI want it so.
const messages: FastifyPluginAsyncTypebox = async function messages (fastify) {
  const { history, messages } = fastify.services

  fastify.route({
    method: 'GET',
    url: '/api/chat/messages/:id',
    schema: {
      operationId: 'readMessages',
      summary: 'Read the messages of a cafe, newest first',
      tags: ['messages'],
      params: CafeIdParams,
      querystring: PageQuery,
      response: {
        200: Ref(MessagePage),
        304: Type.Unsafe<undefined>({ type: 'null', description: 'The page is still the one of If-None-Match' }),
        ...failures(400, 401, 404, 500, 503)
      }
    },
    onRequest: fastify.authenticate,
    handler: async function onPage (request, reply) {
      const page = await history.page(request.params.id, request.query)
      const tag = tagOf(page, request.query)
      reply.header('etag', tag).header('cache-control', 'private, no-cache')
      if (isFresh(request.headers['if-none-match'], tag)) return reply.code(304).send()
      return fastify.sendPage(reply, page)
    }
  })

  fastify.route({
    method: 'POST',
    url: '/api/chat/messages/:id',
    schema: {
      operationId: 'sendMessage',
      summary: 'Send a message to a cafe',
      description: 'As `message:send` on the socket: the same rules, and everybody who is in the cafe gets it.',
      tags: ['messages'],
      params: CafeIdParams,
      body: Ref(SendBody),
      response: {
        201: Ref(SendReply),
        200: Ref(SendReply),
        ...failures(400, 401, 404, 409, 413, 415, 429, 500, 503)
      }
    },
    onRequest: fastify.authenticate,
    handler: async function onSend (request, reply) {
      const sent = await messages.send(request.user, { cafeId: request.params.id, ...request.body })
      return reply.code(sent.duplicate ? 200 : 201).send(sent)
    }
  })

  fastify.route({
    method: 'PATCH',
    url: '/api/chat/messages/:id',
    schema: {
      operationId: 'editMessage',
      summary: 'Change the text of a message of yours',
      tags: ['messages'],
      params: MessageIdParams,
      body: Ref(EditBody),
      response: { 200: Ref(EditReply), ...failures(400, 401, 403, 404, 413, 415, 429, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onEdit (request) {
      return messages.edit(request.user, request.params.id, request.body.content)
    }
  })

  fastify.route({
    method: 'DELETE',
    url: '/api/chat/messages/:id',
    schema: {
      operationId: 'deleteMessage',
      summary: 'Delete a message',
      tags: ['messages'],
      params: MessageIdParams,
      response: { 200: Ref(Deleted), ...failures(400, 401, 403, 404, 413, 415, 500, 503) }
    },
    onRequest: fastify.authenticate,
    handler: async function onDelete (request) {
      await messages.remove(request.user, request.params.id)
      return { success: true, message: 'Message deleted' }
    }
  })
}

/** A page changes when its cafe does, and with the limit and the place that were asked for. Weak: versions may write the same page differently. */
function tagOf (page: MessagePage, { before, after, around }: PageQuery): string {
  const place = [page.offset, before, after, around].map(number => number ?? '').join('.')
  return `W/"${page.rev}-${page.limit}-${place}"`
}

/** If-None-Match: a list of tags, compared weakly, or `*`. */
function isFresh (header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const tags = header.split(',').map(one => one.trim())
  return tags.includes('*') || tags.some(one => one.replace(/^W\//, '') === tag.slice(2))
}

export default messages

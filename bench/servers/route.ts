/** The yardstick of `GET /api/chat/messages/{cafeId}`: a bare Fastify route that answers one and the same page (PAGE, as JSON) through the same schema. */
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'
import { Message, MessagePage } from '../../schemas/index.ts'

const page = JSON.parse(process.env.PAGE!) as MessagePage
const app = Fastify()
app.addSchema(Message)
app.get('/', { schema: { response: { 200: MessagePage } } }, async () => page)
app.get('/tagged', { schema: { response: { 200: MessagePage, 304: Type.Null() } } }, async (request, reply) => {
  reply.header('etag', '"tag"')
  return request.headers['if-none-match'] === '"tag"' ? reply.code(304).send() : page
})
const url = await app.listen({ port: 0, host: '127.0.0.1' })
console.log(`klatsch is ready for comparison: ${url}`)
process.on('SIGTERM', () => process.exit())

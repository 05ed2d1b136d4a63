import type { FastifyInstance } from 'fastify'
import authEvents from './auth.ts'
import cafeEvents from './cafes.ts'
import messageEvents from './messages.ts'
import presenceEvents from './presence.ts'
import typingEvents from './typing.ts'

/** All socket events, a file a noun. */
export default async function socketEvents (fastify: FastifyInstance) {
  await fastify.register(authEvents)
  await fastify.register(cafeEvents)
  await fastify.register(messageEvents)
  await fastify.register(typingEvents)
  await fastify.register(presenceEvents)
}

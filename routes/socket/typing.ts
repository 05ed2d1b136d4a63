import type { FastifyInstance } from 'fastify'
import type { CafeRef } from '../../schemas/cafes.ts'
import type { ChatSocket } from '../../plugins/io.ts'

export default async function typingEvents (fastify: FastifyInstance) {
  const { membership, typing } = fastify.services

  fastify.event({ event: 'typing:start', handler: onStart })
  fastify.event({ event: 'typing:stop', handler: onStop })

  async function onStart (socket: ChatSocket, { cafeId }: CafeRef) {
    const { connection } = socket.data
    await membership.requireMember(connection, cafeId)
    await typing.start(cafeId, connection)
    return { cafeId }
  }

  async function onStop (socket: ChatSocket, { cafeId }: CafeRef) {
    const { connection } = socket.data
    await membership.requireMember(connection, cafeId)
    typing.stop(cafeId, connection)
    return { cafeId }
  }
}

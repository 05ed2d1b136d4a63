import type { FastifyInstance } from 'fastify'
import type { CafeRef, JoinRequest } from '../../schemas/cafes.ts'
import type { ChatSocket } from '../../plugins/io.ts'
import { cafeRoom } from '../../services/rooms.ts'

export default async function cafeEvents (fastify: FastifyInstance) {
  const { membership } = fastify.services

  fastify.event({ event: 'join:cafe', handler: onJoin })
  fastify.event({ event: 'leave:cafe', handler: onLeave })

  async function onJoin (socket: ChatSocket, request: JoinRequest) {
    fastify.refuseUnderPressure()
    const admit = await membership.join(socket.data.connection, request)
    return function enter () {
      const room = cafeRoom(request.cafeId)
      fastify.settleRoom(room)
      const { history, reply, greeting, typing } = admit()
      fastify.sendHistory(socket, history)
      socket.join(room)
      for (const indicator of typing) socket.emit('typing:indicator', indicator)
      // After the ack.
      if (greeting !== undefined) setImmediate(() => { if (socket.rooms.has(room)) socket.emit('users:update', greeting()) })
      return reply
    }
  }

  async function onLeave (socket: ChatSocket, { cafeId }: CafeRef) {
    await membership.leave(socket.data.connection, cafeId)
    socket.leave(cafeRoom(cafeId))
    return { cafeId }
  }
}

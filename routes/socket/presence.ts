import type { FastifyInstance } from 'fastify'
import type { StatusRequest } from '../../schemas/presence.ts'
import type { ChatSocket } from '../../plugins/io.ts'

export default async function presenceEvents (fastify: FastifyInstance) {
  const { presence } = fastify.services

  fastify.event({ event: 'presence:update', handler: onUpdate })

  async function onUpdate (socket: ChatSocket, request: StatusRequest) {
    const { id, username } = socket.data.connection.user
    return presence.setStatus({ id, username }, request)
  }
}

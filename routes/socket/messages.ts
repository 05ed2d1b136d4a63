import type { FastifyInstance } from 'fastify'
import type { EditRequest, MessageRef, SendRequest } from '../../schemas/messages.ts'
import type { ChatSocket } from '../../plugins/io.ts'

export default async function messageEvents (fastify: FastifyInstance) {
  const { membership, messages } = fastify.services

  fastify.event({ event: 'message:send', handler: onSend })
  fastify.event({ event: 'message:edit', handler: onEdit })
  fastify.event({ event: 'message:delete', handler: onDelete })

  async function onSend (socket: ChatSocket, request: SendRequest) {
    const { connection } = socket.data
    await membership.requireMember(connection, request.cafeId)
    return messages.send(connection.user, request)
  }

  function onEdit (socket: ChatSocket, { messageId, content }: EditRequest) {
    return messages.edit(socket.data.connection.user, messageId, content)
  }

  function onDelete (socket: ChatSocket, { messageId }: MessageRef) {
    return messages.remove(socket.data.connection.user, messageId)
  }
}

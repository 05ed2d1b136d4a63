import type { FastifyInstance } from 'fastify'
import type { TokenRequest } from '../../schemas/users.ts'
import type { ChatSocket } from '../../plugins/io.ts'

export default async function authEvents (fastify: FastifyInstance) {
  fastify.event({ event: 'auth:refresh', handler: onRefresh })

  async function onRefresh (socket: ChatSocket, { token }: TokenRequest) {
    const { user, expiresAt } = await fastify.renewToken(socket, token)
    return { user, expiresAt: new Date(expiresAt).toISOString() }
  }
}

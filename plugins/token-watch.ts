import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { AuthExpired } from '../schemas/events.ts'
import { refuse } from '../services/errors.ts'
import { userRoom } from '../services/rooms.ts'
import type { Identity } from './authenticate.ts'
import type { ChatSocket } from './io.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** From now on the socket is told and cut off when its token ends, within a second of it, or is taken back, at once. */
    watchToken: (socket: ChatSocket) => void
    /** The socket is gone. */
    forgetToken: (socket: ChatSocket) => void
    /** Says why and cuts the socket off, so that a stock client comes back by itself. */
    dismiss: (socket: ChatSocket, reason: AuthExpired['reason']) => void
    /** Another token in the place of the present one. @throws CHAT_FORBIDDEN if it is of another user, and what `identify` throws */
    renewToken: (socket: ChatSocket, token: unknown) => Promise<Identity>
  }
}

const LOOK_EVERY_MS = 500

/** Sockets whose token ends, by the second in which it does: one timer for all, and one entry for each. */
async function tokenWatch (fastify: FastifyInstance) {
  const { log, metrics: { meter }, services } = fastify
  const bySecond = new Map<number, Set<ChatSocket>>()
  /** told that they have to go; cut off at the next look if they are still there */
  let parting = new Set<ChatSocket>()
  const looking = setInterval(look, LOOK_EVERY_MS)
  fastify.addHook('preClose', async () => clearInterval(looking))

  fastify.decorate('watchToken', function watchToken (socket) {
    forget(socket)
    if (!socket.connected) return
    // Taken back while it came in.
    if (isRevoked(socket)) return dismiss(socket, 'revoked')
    const due = Math.floor(socket.data.expiresAt / 1000)
    const sockets = bySecond.get(due) ?? new Set()
    bySecond.set(due, sockets.add(socket))
    socket.data.due = due
  })

  function forget (socket: ChatSocket) {
    const { due } = socket.data
    if (due === undefined) return
    delete socket.data.due
    const sockets = bySecond.get(due)
    sockets?.delete(socket)
    if (sockets?.size === 0) bySecond.delete(due)
  }

  function look () {
    const late = parting
    parting = new Set()
    for (const socket of late) socket.conn.close(true)
    const time = Date.now()
    for (const [second, sockets] of bySecond) {
      if (second * 1000 > time) continue
      for (const socket of sockets) if (socket.data.expiresAt <= time) dismiss(socket, 'expired')
    }
  }

  function dismiss (socket: ChatSocket, reason: AuthExpired['reason']) {
    forget(socket)
    // Nothing that it asks for until it is gone is done.
    socket.data.expiresAt = 0
    meter.count('dismissals', reason)
    log.debug({ socketId: socket.id, userId: socket.data.connection.user.id, reason: `token_${reason}` }, 'socket cut off')
    socket.emit('auth:expired', { reason })
    socket.conn.close()
    parting.add(socket)
  }

  fastify.decorate('forgetToken', forget)
  fastify.decorate('dismiss', dismiss)

  fastify.decorate('renewToken', async function renewToken (socket, token) {
    const identity = await fastify.identify(token)
    const { connection } = socket.data
    if (identity.user.id !== connection.user.id) throw refuse('CHAT_FORBIDDEN', { message: 'The token is of another user' })
    renew(socket, identity)
    return identity
  })

  function renew (socket: ChatSocket, { user, tokenId, issuedAt, expiresAt }: Identity) {
    // It may have been dismissed meanwhile.
    if (socket.data.expiresAt === 0) throw refuse('CHAT_UNAUTHENTICATED')
    services.membership.renew(socket.data.connection, user)
    delete socket.data.tokenId
    Object.assign(socket.data, { ...(tokenId !== undefined && { tokenId }), issuedAt, expiresAt })
    fastify.watchToken(socket)
  }

  const isRevoked = ({ data: { connection, tokenId, issuedAt } }: ChatSocket) =>
    services.revocations.isRevoked({ userId: connection.user.id, tokenId, issuedAt })

  services.revocations.onRevoked(({ userId }) => {
    const { adapter, sockets } = fastify.io.of('/')
    // Whoever has which token is known by looking at all: that is seldom asked.
    const ids = userId === undefined ? sockets.keys() : adapter.rooms.get(userRoom(userId)) ?? []
    for (const id of [...ids]) {
      const socket = sockets.get(id)
      if (socket !== undefined && isRevoked(socket)) dismiss(socket, 'revoked')
    }
  })
}

export default fp(tokenWatch, { name: 'token-watch', dependencies: ['authenticate', 'io', 'metrics', 'services'] })

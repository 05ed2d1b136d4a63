import type { FastifyBaseLogger } from 'fastify'
import type { Redis } from 'ioredis'
import type { Server, Socket } from 'socket.io'
import type { Messages } from './messages.ts'

export interface User { id: string, username: string }

export interface ChatParts {
  io: Server
  redis: Redis
  messages: Messages
  log: FastifyBaseLogger
  /** Messages a user may send in a minute; the specification consumes a token but names no number. */
  messagesPerMinute: number
  /** Undefined for a token that does not verify or whose user does not exist. */
  authenticate: (token: unknown) => Promise<User | undefined>
}

interface CafeRef { cafeId: string }

const roomOf = (cafeId: string) => `cafe:${cafeId}`
const usersOf = (cafeId: string) => `cafe:${cafeId}:users`
const presenceOf = (userId: string) => `user:${userId}:presence`

/**
 * The socket events. Unguarded on purpose: the listeners attach after an `await`, a handler that rejects ends the process,
 * every socket adds and removes its user by itself, nobody asks whether the sender is in the cafe, each typing:start starts
 * a timer that nothing stops, and a refused send is dropped without a word.
 */
export function initializeChat ({ io, redis, messages, log, messagesPerMinute, authenticate }: ChatParts): void {
  io.on('connection', async function onConnection (socket) {
    const user = await authenticate(socket.handshake.auth.token)
    if (user === undefined) {
      socket.disconnect()
      return
    }
    socket.on('join:cafe', async (data: CafeRef) => await join(socket, user, data))
    socket.on('leave:cafe', async (data: CafeRef) => await leave(socket, user, data))
    socket.on('message:send', async (data: CafeRef & { content: string }) => await send(user, data))
    socket.on('typing:start', async (data: CafeRef) => await startTyping(socket, user, data))
    socket.on('typing:stop', async (data: CafeRef) => await stopTyping(socket, user, data))
    socket.on('disconnect', async () => await disconnect(user))
  })

  async function join (socket: Socket, user: User, { cafeId }: CafeRef): Promise<void> {
    socket.join(roomOf(cafeId))
    await redis.sadd(usersOf(cafeId), user.id)
    await redis.hset(presenceOf(user.id), { status: 'online', cafeId, lastSeen: Date.now() })
    const userCount = await redis.scard(usersOf(cafeId))
    socket.to(roomOf(cafeId)).emit('users:update', { cafeId, userCount, action: 'join', user })
    socket.emit('message:history', { messages: await messages.recent(cafeId, 50) })
    log.info({ userId: user.id, cafeId, userCount }, 'user joined')
  }

  async function leave (socket: Socket, user: User, { cafeId }: CafeRef): Promise<void> {
    socket.leave(roomOf(cafeId))
    await depart(user, cafeId)
  }

  async function disconnect (user: User): Promise<void> {
    const cafeId = await redis.hget(presenceOf(user.id), 'cafeId')
    await redis.hset(presenceOf(user.id), { status: 'offline', lastSeen: Date.now() })
    if (cafeId !== null) await depart(user, cafeId)
  }

  async function depart (user: User, cafeId: string): Promise<void> {
    await redis.srem(usersOf(cafeId), user.id)
    const userCount = await redis.scard(usersOf(cafeId))
    io.to(roomOf(cafeId)).emit('users:update', { cafeId, userCount, action: 'leave', user })
    log.info({ userId: user.id, cafeId, userCount }, 'user left')
  }

  async function send (user: User, { cafeId, content }: CafeRef & { content: string }): Promise<void> {
    const sent = await redis.incr(`user:${user.id}:sent`)
    if (sent === 1) await redis.expire(`user:${user.id}:sent`, 60)
    if (sent > messagesPerMinute) return
    if (await redis.set(`user:${user.id}:last`, content, 'EX', 60, 'GET') === content) return
    const message = await messages.create(cafeId, user.id, content)
    io.to(roomOf(cafeId)).emit('message:new', { message })
  }

  async function startTyping (socket: Socket, user: User, { cafeId }: CafeRef): Promise<void> {
    indicate(socket, user, cafeId, true)
    setTimeout(() => indicate(socket, user, cafeId, false), 3000)
  }

  async function stopTyping (socket: Socket, user: User, { cafeId }: CafeRef): Promise<void> {
    indicate(socket, user, cafeId, false)
  }

  function indicate (socket: Socket, user: User, cafeId: string, isTyping: boolean): void {
    socket.to(roomOf(cafeId)).emit('typing:indicator', { userId: user.id, username: user.username, isTyping })
  }
}

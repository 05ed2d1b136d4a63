import type { IncomingMessage, Server as HttpServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import socketIo from 'fastify-socket.io'
import type { Server, ServerOptions, Socket } from 'socket.io'
import type { ClientToServerEvents, ServerToClientEvents } from '../schemas/events.ts'
import type { Connection } from '../services/membership.ts'
import { RECONNECT_AFTER_MS } from '../services/presence.ts'

/** What klatsch keeps of a socket. `expiresAt`: of its token, epoch milliseconds; 0 once it is cut off. `due`: the second under which it is watched. */
export interface SocketData { connection: Connection, tokenId?: string, issuedAt: number, expiresAt: number, due?: number }

export type ChatServer = Server<ClientToServerEvents, ServerToClientEvents, Record<string, never>, SocketData>
export type ChatSocket = Socket<ClientToServerEvents, ServerToClientEvents, Record<string, never>, SocketData>

declare module 'fastify' {
  interface FastifyInstance {
    io: ChatServer
    /** Events that are being handled; a stopping node waits for them. */
    underway: Set<Promise<unknown>>
  }
}

const DRAIN_MS = 3000
const DRAIN_LOOK_MS = 10
const CONNECT_TIMEOUT_MS = 10_000
/** Characters of one that are logged. */
const MAX_ORIGIN = 200

/** Servers that have a Socket.IO already: a second one would take the first one's connections. */
const taken = new WeakSet<HttpServer>()

/** `fastify.io`: Socket.IO on this server, closed so that clients come back to another node. */
async function io (fastify: FastifyInstance) {
  const { config, health, log, metrics } = fastify
  if (taken.has(fastify.server)) throw new Error('klatsch is registered on this server already: one Socket.IO server each')
  taken.add(fastify.server)
  fastify.decorate('underway', new Set<Promise<unknown>>())

  const options: Partial<ServerOptions> & { preClose: (done: (error?: Error) => void) => void } = {
    path: config.socket.path,
    pingInterval: config.socket.pingInterval,
    pingTimeout: config.socket.pingTimeout,
    maxHttpBufferSize: config.socket.maxPayload,
    connectTimeout: CONNECT_TIMEOUT_MS,
    serveClient: false,
    cors: { origin: config.origins === '*' ? '*' : config.origins },
    // At the door: a client that is refused here tries again by itself, as it would after a failure of the network.
    allowRequest (request, answer) {
      if (!health.takesConnections()) return turnAway(request, () => answer('The node is starting or stopping', false))
      if (isAllowed(request)) return answer(null, true)
      metrics.meter.count('refusals', 'CHAT_FORBIDDEN')
      log.debug({ origin: request.headers.origin?.slice(0, MAX_ORIGIN), address: fastify.addressOf(request) }, 'origin refused')
      turnAway(request, () => answer('The origin is not allowed', false))
    },
    preClose: done => { close().then(() => done(), done) }
  }
  // Its types are those of Fastify 4; what it does holds for 5 (test/plugins/io.test.ts).
  await fastify.register(socketIo.default as never, options as never)

  // What a browser might take for something else, were it to look for itself.
  fastify.io.engine.on('headers', (headers: Record<string, string>) => { headers['x-content-type-options'] = 'nosniff' })

  /** Native clients send no Origin; pages only from the allow-list, or from where they connect to. */
  function isAllowed (request: IncomingMessage): boolean {
    const { origin } = request.headers
    if (origin === undefined || config.origins === '*' || config.origins.includes(origin)) return true
    return URL.canParse(origin) && new URL(origin).host === fastify.hostOf(request)
  }

  /** The stock way disconnects clients so that they stay away; closing the transport lets them come back. */
  async function close () {
    health.drain()
    fastify.io.local.emit('server:draining', { reconnectAfterMs: RECONNECT_AFTER_MS })
    // Closing discards what was not sent yet: that it stops, and the acks of what was under way.
    const deadline = Date.now() + DRAIN_MS
    while ((fastify.underway.size > 0 || hasUnsent(fastify.io)) && Date.now() < deadline) await delay(DRAIN_LOOK_MS)
    await fastify.io.close()
  }
}

/** Does a connection still have something to send? One that polls gets it with its next request. */
function hasUnsent ({ engine }: ChatServer): boolean {
  const { clients } = engine as unknown as { clients: Record<string, { writeBuffer: unknown[] }> }
  return Object.values(clients).some(({ writeBuffer }) => writeBuffer.length > 0)
}

/** Engine.IO answers 400 to whoever begins with a WebSocket: it is left nothing to say. */
function turnAway ({ headers, socket }: IncomingMessage, answer: () => void) {
  if (headers.upgrade !== undefined) socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
  answer()
}

export default fp(io, { name: 'io', dependencies: ['address', 'config', 'health', 'metrics'] })

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Ack, Payload, Reply } from '../schemas/contract.ts'
import type { ErrorCode } from '../schemas/errors.ts'
import { type ClientEvents, clientEvents } from '../schemas/events.ts'
import { refuse, toErrorBody } from '../services/errors.ts'
import { userRoom } from '../services/rooms.ts'
import { toChatError, toLog } from './errors.ts'
import type { ChatSocket } from './io.ts'
import type { Check } from './validation.ts'

type ClientEvent = keyof ClientEvents

/**
 * A socket event, as a route is a request. What the handler returns is the ack's `data`; a function that it returns is
 * called first, and the ack sent in the same turn: nothing comes between.
 */
export interface EventRoute<E extends ClientEvent> {
  event: E
  handler: (socket: ChatSocket, payload: Payload<ClientEvents[E]>) => Promise<Reply<ClientEvents[E]> | (() => Reply<ClientEvents[E]>)>
}

declare module 'fastify' {
  interface FastifyInstance { event: <E extends ClientEvent>(route: EventRoute<E>) => void }
}

interface Route { handler: (socket: ChatSocket, payload: unknown) => Promise<unknown>, check: Check }

/** Between two `error` events that say that the same event comes too often; and what SOCKET_MAX_ERRORS is for. */
const QUIET_MS = 1000

/** `quiet`: by event, until when the client need not hear again that it comes too often. `told`: how many `error` events it got until `until`. */
interface Told { quiet: Map<string, number>, told: number, until: number }

const isEvent = (name: string): name is ClientEvent => Object.hasOwn(clientEvents, name)

/** Events of clients: who may connect, what is listened to, and how each is answered. The only place with `socket.on`. */
async function socket (fastify: FastifyInstance) {
  const { config, io, log, metrics, services, underway } = fastify
  const routes = new Map<string, Route>()
  // What sockets heard of events that failed without an ack.
  const complaints = new WeakMap<ChatSocket, Told>()

  // Connections that have a socket, or asked for one. While the first one is authenticated Socket.IO would make as many as are asked for.
  const held = new WeakSet<object>()

  fastify.decorate('event', route => {
    if (!isEvent(route.event)) throw new Error(`The event ${String(route.event)} is not declared`)
    if (routes.has(route.event)) throw new Error(`The event ${route.event} has a handler already`)
    routes.set(route.event, { handler: route.handler as Route['handler'], check: fastify.check(clientEvents[route.event].payload) })
  })

  fastify.addHook('onReady', async () => {
    const missing = Object.keys(clientEvents).filter(name => !routes.has(name))
    if (missing.length > 0) throw new Error(`No handler for the events ${missing.join(', ')}`)
    io.use((newcomer, next) => {
      const { conn } = newcomer
      if (held.has(conn)) return conn.close()
      held.add(conn)
      authenticate(newcomer).then(() => next(), refusal => {
        held.delete(conn)
        // A client that hears a reason waits for its program. What passes by itself is no reason: it shall come again.
        if (refusal.data.code === 'CHAT_UNAVAILABLE') conn.close()
        else next(refusal)
      })
    })
    io.on('connection', welcome)
  })

  metrics.gauge('chat_connections', 'Live sockets of this node', () => io.of('/').sockets.size)

  /** @throws an Error whose `data` is the error body */
  async function authenticate (newcomer: ChatSocket) {
    try {
      const { user, tokenId, issuedAt, expiresAt } = await fastify.identify(newcomer.handshake.auth.token)
      // The token is not needed any more and must not get into logs or to other nodes.
      delete newcomer.handshake.auth.token
      newcomer.data = { connection: services.membership.connect(newcomer.id, user), ...(tokenId !== undefined && { tokenId }), issuedAt, expiresAt }
    } catch (error) {
      const refusal = toChatError(error)
      metrics.meter.count('refusals', refusal.code)
      if (refusal.statusCode >= 500) log.warn({ err: toLog(refusal.cause ?? refusal), code: refusal.code }, 'connection refused')
      throw Object.assign(new Error(refusal.message), { data: toErrorBody(refusal) })
    }
  }

  // No await before the listeners: what a client emits right after connecting must find them.
  function welcome (socket: ChatSocket) {
    const { connection, expiresAt } = socket.data
    // One listener for all events: one for each would be a good part of what a silent connection costs.
    socket.onAny((name: string, ...args: unknown[]) => dispatch(socket, name, args))
    socket.on('disconnect', () => {
      held.delete(socket.conn)
      fastify.forgetToken(socket)
      track(services.membership.disconnect(connection))
    })
    fastify.watchToken(socket)
    socket.join(userRoom(connection.user.id))
    socket.emit('connected', {
      userId: connection.user.id,
      username: connection.user.username,
      serverTime: new Date().toISOString(),
      expiresAt: new Date(expiresAt).toISOString(),
      limits: { maxLength: config.chat.maxLength, historyLimit: config.chat.historyLimit, typingTimeoutMs: config.chat.typingTimeout }
    })
    const { cafeId, since } = socket.handshake.auth
    if (cafeId !== undefined) dispatch(socket, 'join:cafe', [since === undefined ? { cafeId } : { cafeId, since }])
  }

  function dispatch (socket: ChatSocket, name: string, args: unknown[]) {
    track(answer(socket, name, args))
  }

  function track (work: Promise<unknown>) {
    underway.add(work)
    work.finally(() => underway.delete(work))
  }

  /** Handles one event and answers it: by its ack, or a failure without one by the `error` event. Never rejects. */
  async function answer (socket: ChatSocket, name: string, args: unknown[]) {
    const last = args.at(-1)
    const ack = typeof last === 'function' ? last as (reply: Ack<unknown>) => void : undefined
    try {
      const route = routes.get(name)
      if (route === undefined) throw refuse('CHAT_UNKNOWN_EVENT')
      if (Date.now() >= socket.data.expiresAt) throw refuse('CHAT_UNAUTHENTICATED', { message: 'The token has expired' })
      const payload = readPayload(ack === undefined ? args : args.slice(0, -1), route.check)
      const result = await route.handler(socket, payload)
      const data: unknown = typeof result === 'function' ? result() : result
      ack?.({ ok: true, data })
    } catch (error) {
      const refusal = toChatError(error)
      metrics.meter.count('refusals', refusal.code)
      if (refusal.statusCode >= 500) {
        const entry = { event: name, socketId: socket.id, userId: socket.data.connection.user.id, code: refusal.code, err: toLog(refusal.cause ?? refusal) }
        log[refusal.statusCode === 503 ? 'warn' : 'error'](entry, 'event failed')
      }
      const body = toErrorBody(refusal)
      if (ack !== undefined) ack({ ok: false, error: body })
      else if (shallTell(socket, name, body.code)) socket.emit('error', body)
    }
  }

  /** Whoever emits too much without asking for an ack shall not be answered with as much. */
  function shallTell (socket: ChatSocket, name: string, code: ErrorCode): boolean {
    const time = Date.now()
    const heard = complaints.get(socket) ?? { quiet: new Map<string, number>(), told: 0, until: 0 }
    complaints.set(socket, heard)
    if (code === 'CHAT_RATE_LIMITED') {
      if (time < (heard.quiet.get(name) ?? 0)) return false
      heard.quiet.set(name, time + QUIET_MS)
    }
    if (time >= heard.until) Object.assign(heard, { told: 0, until: time + QUIET_MS })
    return ++heard.told <= config.socket.maxErrors
  }
}

/** An event carries one object. `null` where the ack stands is what some clients send for none. */
function readPayload (args: unknown[], check: Check): unknown {
  const [payload, ...others] = args
  if (others.some(other => other !== null && other !== undefined)) {
    throw refuse('CHAT_VALIDATION', { message: 'An event takes one object and an ack function', details: [{ field: 'ack', rule: 'type' }] })
  }
  const failure = check(payload)
  if (failure !== undefined) throw failure
  return payload
}

export default fp(socket, { name: 'socket', dependencies: ['authenticate', 'config', 'io', 'metrics', 'services', 'token-watch', 'validation'] })

import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import type { Ack, Payload, Reply } from '../schemas/contract.ts'
import type { ClientEvents, ServerEvents } from '../schemas/events.ts'
import { createBackoff } from './backoff.ts'
import { ChatError, isObject, toChatError } from './errors.ts'
import type { Tokens } from './tokens.ts'

export type ConnectionState = 'connecting' | 'online' | 'reconnecting' | 'draining' | 'refused' | 'closed'

export interface ConnectionOptions {
  /** Where Socket.IO is, an origin. */
  origin: string
  path: string
  /** What else socket.io-client is to be told. */
  socket: Partial<ManagerOptions & SocketOptions>
  tokens: Tokens
}

export interface ConnectionEvents {
  onState: (state: ConnectionState, error: ChatError | undefined, retryInMs: number | undefined) => void
  onUp: () => void
  onDown: () => void
}

const WAIT = { minMs: 250, maxMs: 15_000 }
/** From the first byte to the server's welcome. */
const CONNECT_MS = 15_000
const ANSWER_MS = 10_000
/** A connection that lasts so long has worked: the next failure is a new one. */
const STABLE_MS = 5000
/** Refused with so many different tokens, one after another, a program that gives tokens is no better than a single token. */
const MOST_REFUSALS = 2
const DRAIN_MS = 3000
const MOST_DRAIN_MS = 60_000
/** A token is renewed so long before its end, or in the last quarter of its life. */
const RENEW_MS = 60_000
const LEAST_RENEW_MS = 1000
/** Timers count no further than this; then it is looked at again. */
const MOST_TIMER_MS = 12 * 3_600_000

/** One connection to the server that lasts: it comes back by itself, with a token that is good. It knows nothing of cafes. */
export function createConnection ({ origin, path, socket: options, tokens }: ConnectionOptions, events: ConnectionEvents) {
  const socket: Socket = io(origin, {
    ...options, path, forceNew: true, autoConnect: false, reconnection: false, timeout: CONNECT_MS, auth: answer => answer({ token: tokens.current })
  })
  const backoff = createBackoff(WAIT)
  const renewal = createBackoff(WAIT)
  const waiting = new Set<(error: ChatError) => void>()
  let state: ConnectionState = 'connecting'
  let refusals = 0
  let attempt = 0
  /** The next try, or the end of the present one. */
  let timer: ReturnType<typeof setTimeout> | undefined
  let stableTimer: ReturnType<typeof setTimeout> | undefined
  let renewTimer: ReturnType<typeof setTimeout> | undefined
  let isRenewing = false

  function enter (next: ConnectionState, error?: ChatError, retryInMs?: number) {
    state = next
    events.onState(next, error, retryInMs)
  }

  async function open () {
    const own = ++attempt
    clearTimeout(timer)
    if (state !== 'connecting') enter('reconnecting')
    try {
      await tokens.get()
    } catch (error) {
      if (own === attempt) giveUp(error as ChatError)
      return
    }
    if (own !== attempt) return
    timer = setTimeout(() => {
      hangUp()
      tryLater(new ChatError('CLIENT_TIMEOUT', `The server did not let us in within ${CONNECT_MS} ms`))
    }, CONNECT_MS)
    socket.connect()
  }

  /** Ends the connection, or the try to get one, and forgets what was to follow. */
  function hangUp () {
    attempt++
    for (const each of [timer, stableTimer, renewTimer]) clearTimeout(each)
    socket.disconnect()
  }

  function giveUp (error: ChatError) {
    if (error.code !== 'CHAT_UNAUTHENTICATED') return tryLater(error)
    hangUp()
    enter('refused', error)
  }

  function tryLater (error: ChatError) {
    clearTimeout(timer)
    const wait = backoff.next(error.retryAfterMs)
    timer = setTimeout(open, wait)
    enter('reconnecting', error, wait)
  }

  function reopen () {
    hangUp()
    open()
  }

  socket.on('connect', () => {
    clearTimeout(timer)
    refusals = 0
    stableTimer = setTimeout(backoff.reset, STABLE_MS)
    enter('online')
    events.onUp()
  })

  socket.on('connect_error', (error: Error & { data?: unknown }) => {
    if (isObject(error.data) && error.data.code === 'CHAT_UNAUTHENTICATED') {
      const refusal = toChatError(error.data)
      const hasOther = tokens.refuse() && ++refusals < MOST_REFUSALS
      return hasOther ? tryLater(refusal) : giveUp(refusal)
    }
    const cause = isObject(error.data) ? toChatError(error.data) : new ChatError('CLIENT_OFFLINE', `No connection: ${error.message}`, { cause: error })
    tryLater(cause)
  })

  socket.on('disconnect', reason => {
    clearTimeout(stableTimer)
    clearTimeout(renewTimer)
    const error = new ChatError('CLIENT_OFFLINE', `The connection was lost: ${reason}`)
    for (const reject of [...waiting]) reject(error)
    events.onDown()
    // We did so ourselves, or are about to come back anyway.
    if (reason !== 'io client disconnect' && state !== 'draining') tryLater(error)
  })

  listen('server:draining', ({ reconnectAfterMs }) => {
    const most = typeof reconnectAfterMs === 'number' && reconnectAfterMs >= 0 ? Math.min(reconnectAfterMs, MOST_DRAIN_MS) : DRAIN_MS
    const wait = Math.random() * most
    clearTimeout(timer)
    timer = setTimeout(reopen, wait)
    enter('draining', undefined, wait)
  })

  listen('connected', ({ serverTime, expiresAt }) => {
    // By the server's clock: ours may be wrong.
    const life = Date.parse(expiresAt) - Date.parse(serverTime)
    if (!Number.isNaN(life)) renewAfter(life - Math.min(RENEW_MS, life / 4) * (1 + Math.random()) / 2)
  })

  function renewAfter (ms: number) {
    clearTimeout(renewTimer)
    renewTimer = ms > MOST_TIMER_MS ? setTimeout(() => renewAfter(ms - MOST_TIMER_MS), MOST_TIMER_MS) : setTimeout(renew, Math.max(ms, LEAST_RENEW_MS))
  }

  /** Gets another token and comes back with it. What fails by accident is tried again; meanwhile the connection stays. */
  async function renew () {
    if (isRenewing || !socket.connected) return
    isRenewing = true
    const own = attempt
    try {
      await tokens.renew()
      renewal.reset()
      if (own === attempt) reopen()
    } catch (error) {
      if (own !== attempt) return
      if ((error as ChatError).code === 'CHAT_UNAUTHENTICATED') giveUp(error as ChatError)
      else renewAfter(renewal.next((error as ChatError).retryAfterMs))
    } finally {
      isRenewing = false
    }
  }

  /** What is no object is not of the contract, and is not heard. */
  function listen<E extends keyof ServerEvents> (event: E, hear: (payload: Payload<ServerEvents[E]>) => void) {
    socket.on(event as string, (payload: unknown) => { if (isObject(payload)) hear(payload as never) })
  }

  /** Emits and waits for the ack. Rejects with a ChatError, at the latest after ANSWER_MS. */
  function request<E extends keyof ClientEvents> (event: E, payload: Payload<ClientEvents[E]>): Promise<Reply<ClientEvents[E]>> {
    if (state === 'closed') return Promise.reject(new ChatError('CLIENT_CLOSED', 'The client is closed'))
    if (!socket.connected) return Promise.reject(new ChatError('CLIENT_OFFLINE', 'There is no connection'))
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => fail(new ChatError('CLIENT_TIMEOUT', `No answer to ${event} within ${ANSWER_MS} ms`)), ANSWER_MS)
      function fail (error: ChatError) {
        clearTimeout(late)
        waiting.delete(fail)
        if (error.code === 'CHAT_UNAUTHENTICATED') renew()
        reject(error)
      }
      waiting.add(fail)
      socket.emit(event, payload, (ack: Ack<unknown>) => {
        if (!isObject(ack)) return fail(toChatError(undefined))
        if (!ack.ok) return fail(toChatError(ack.error))
        if (!isObject(ack.data)) return fail(toChatError(undefined))
        clearTimeout(late)
        waiting.delete(fail)
        resolve(ack.data as Reply<ClientEvents[E]>)
      })
    })
  }

  return {
    open,
    listen,
    request,
    /** At once, whatever it waits for; with the token of the moment. */
    reopen () {
      refusals = 0
      if (state !== 'closed') reopen()
    },
    close () {
      hangUp()
      enter('closed')
    },
    get isUp (): boolean { return socket.connected }
  }
}

export type Connection = ReturnType<typeof createConnection>

import type { Connected } from '../schemas/events.ts'
import type { Status as UserStatus } from '../schemas/presence.ts'
import { insist } from './backoff.ts'
import { createCafe, type CafeEnds } from './cafe.ts'
import { createConnection } from './connection.ts'
import { ChatError } from './errors.ts'
import { createListeners } from './listeners.ts'
import { createOutbox } from './outbox.ts'
import { createRest } from './rest.ts'
import { createTokens } from './tokens.ts'
import type { Client, ConnectOptions, Status } from './types.ts'
import { TYPING_TIMEOUT_MS } from './typing.ts'

const SOCKET_PATH = '/socket.io'
const WINDOW = 1000
const SCROLLBACK = 5000
/** Of the server, if it does not say: more than it would ever take. */
const MOST_CONTENT = 4000

/**
 * Connects to klatsch and stays connected. Returns at once; what happens then is in `status`.
 * @throws TypeError if `url` is no URL
 */
export function connect ({ url, path = SOCKET_PATH, storage, window = WINDOW, scrollback = SCROLLBACK, socket = {}, ...tokenOptions }: ConnectOptions): Client {
  const { origin, pathname } = new URL(url)
  const rest = createRest(origin + pathname.replace(/\/+$/, ''))
  const tokens = createTokens(tokenOptions, rest)
  const listeners = createListeners()
  const cafes = new Map<string, CafeEnds>()
  let connectionStatus: Status = Object.freeze({ state: 'connecting' })
  let status = connectionStatus
  let isClosed = false
  let user: { id: string, username: string } | undefined
  let limits: Connected['limits'] | undefined
  let storageError: ChatError | undefined
  let myStatus: UserStatus = 'online'

  const outbox = createOutbox(storage, error => {
    storageError = error
    listeners.notify()
  })

  const connection = createConnection({ origin, path, socket, tokens }, {
    onState (state, error, retryInMs) {
      connectionStatus = Object.freeze({ state, ...(error && { error }), ...(retryInMs !== undefined && { retryInMs: Math.round(retryInMs) }) })
      look()
    },
    onUp () {
      for (const { enter } of cafes.values()) enter()
    },
    onDown () {
      for (const { onDown } of cafes.values()) onDown()
    }
  })

  /** Online is who has everything. */
  function look () {
    const isBehind = connectionStatus.state === 'online' && [...cafes.values()].some(({ cafe }) => cafe.state === 'recovering')
    const next: Status = isBehind ? RECOVERING : connectionStatus
    if (next === status) return
    status = next
    listeners.notify()
  }

  connection.listen('connected', ({ userId, username, limits: told }) => {
    limits = told
    if (typeof userId !== 'string') return
    user = Object.freeze({ id: userId, username })
    outbox.adopt(user)
    for (const { onMe } of cafes.values()) onMe()
    listeners.notify()
    // Whoever was away for too long comes as online. If this fails, the next connection says it again.
    if (myStatus !== 'online') insist(() => connection.request('presence:update', { status: myStatus })).catch(() => {})
  })
  connection.listen('message:history', payload => cafes.get(payload.cafeId)?.received.history(payload))
  connection.listen('message:new', payload => cafes.get(payload.message?.cafeId)?.received.put(payload))
  connection.listen('message:updated', payload => cafes.get(payload.message?.cafeId)?.received.put(payload))
  connection.listen('message:deleted', payload => cafes.get(payload.cafeId)?.received.remove(payload))
  connection.listen('users:update', payload => cafes.get(payload.cafeId)?.received.users(payload))
  connection.listen('typing:indicator', payload => cafes.get(payload.cafeId)?.received.typing(payload))
  connection.listen('topics:update', payload => cafes.get(payload.cafeId)?.received.topics(payload))
  connection.listen('presence:update', payload => {
    // Set on another device.
    if (payload.userId === user?.id) myStatus = payload.status
    cafes.get(payload.cafeId)?.received.status(payload)
  })

  async function call<T> (method: string, path: string, body?: unknown): Promise<T> {
    if (isClosed) throw new ChatError('CLIENT_CLOSED', 'The client is closed')
    const token = await tokens.get()
    try {
      return await rest<T>(method, path, { token, body })
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== 'CHAT_UNAUTHENTICATED') throw error
      // One that came meanwhile, or another one if somebody has any.
      const other = tokens.current !== token ? tokens.current : tokens.canAsk ? await tokens.renew() : undefined
      if (other === undefined) throw error
      return rest<T>(method, path, { token: other, body })
    }
  }

  function join (cafeId: string) {
    const known = cafes.get(cafeId)
    if (known !== undefined) {
      known.knock()
      return known.cafe
    }
    const ends = createCafe(cafeId, {
      connection,
      outbox,
      call,
      size: { window, scrollback },
      me: () => user,
      maxLength: () => limits?.maxLength ?? MOST_CONTENT,
      typingTimeoutMs: () => limits?.typingTimeoutMs ?? TYPING_TIMEOUT_MS,
      onState: look,
      onLeave () {
        cafes.delete(cafeId)
        look()
      }
    })
    if (isClosed) {
      ends.close(new ChatError('CLIENT_CLOSED', 'The client is closed'))
    } else {
      cafes.set(cafeId, ends)
      ends.enter()
    }
    return ends.cafe
  }

  connection.open()
  return {
    get status () { return status },
    get user () { return user },
    get limits () { return limits },
    get storageError () { return storageError },
    join,
    async setStatus (request) {
      const reply = await insist(() => connection.request('presence:update', request))
      myStatus = reply.status
      return reply
    },
    setToken (token) {
      tokens.set(token)
      connection.reopen()
    },
    reconnect: connection.reopen,
    call,
    subscribe: listeners.subscribe,
    close () {
      if (isClosed) return
      isClosed = true
      for (const { close } of cafes.values()) close(new ChatError('CLIENT_CLOSED', 'The client is closed'))
      cafes.clear()
      connection.close()
    }
  }
}

const RECOVERING: Status = Object.freeze({ state: 'recovering' })

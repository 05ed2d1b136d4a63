import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'
import type { Test } from 'tap'
import type { Ack, Payload, Reply } from '../../schemas/contract.ts'
import type { ClientEvents, ClientToServerEvents, ServerEvents, ServerToClientEvents } from '../../schemas/events.ts'
import type { Cafe, ErrorBody, Session } from '../../schemas/index.ts'
import { ackFault, errorFault, eventFault } from './contract.ts'

/** A stock client with klatsch's types. */
export type Client = Socket<ServerToClientEvents, ClientToServerEvents>

interface Nowhere { url: string }

const WAIT_MS = 5000

/** A JSON request as a user; fails the test on another status than `status`. */
export async function call<T> ({ url }: Nowhere, method: string, path: string, options: { token?: string, body?: unknown, status?: number } = {}): Promise<T> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
      ...(options.body !== undefined && { 'content-type': 'application/json' })
    },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) })
  })
  const text = await response.text()
  if (options.status !== undefined ? response.status !== options.status : !response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

/** A new guest. */
export const guest = (app: Nowhere, username: string) => call<Session>(app, 'POST', '/api/auth/guest', { body: { username } })

/** A new cafe. */
export const openCafe = (app: Nowhere, { token }: { token: string }, name = 'Corner Table') => call<Cafe>(app, 'POST', '/api/cafes', { token, body: { name } })

/**
 * A socket of a user, on a connection of its own; closed at the test's end. Events are kept from the first on: see `heard`.
 * An event that breaks its schema, or that no schema declares, fails the test.
 */
export function open (t: Test, app: Nowhere, token: string, options: Partial<ManagerOptions & SocketOptions> & { auth?: object } = {}): Client {
  const { auth, ...others } = options
  const socket: Client = io(app.url, { forceNew: true, reconnection: false, ...others, auth: { token, ...auth } })
  t.teardown(() => { socket.disconnect() })
  const log: Array<[string, unknown]> = []
  logs.set(socket, log)
  socket.onAny((event: string, ...args: unknown[]) => {
    log.push([event, args[0]])
    const fault = eventFault(event, args)
    if (fault !== undefined) t.fail(fault)
  })
  return socket
}

const logs = new WeakMap<Client, Array<[string, unknown]>>()

/** `open`, and connected. */
export async function connect (t: Test, app: Nowhere, token: string, options: Parameters<typeof open>[3] = {}): Promise<Client> {
  const socket = open(t, app, token, options)
  await once(socket, 'connected')
  return socket
}

/** The payloads of an event that a socket has heard so far, in order. */
export function heard<E extends keyof ServerEvents> (socket: Client, event: E): Array<Payload<ServerEvents[E]>> {
  return logs.get(socket)!.filter(([name]) => name === event).map(([, payload]) => payload as Payload<ServerEvents[E]>)
}

/** All that a socket has heard so far, in order: events, and acks under the name `ack`. */
export const heardAll = (socket: Client): ReadonlyArray<readonly [string, unknown]> => logs.get(socket)!

/** The next event, or with `match` the next that fits. */
export function once<E extends keyof ServerEvents> (socket: Client, event: E, match: (payload: Payload<ServerEvents[E]>) => boolean = () => true, waitMs = WAIT_MS): Promise<Payload<ServerEvents[E]>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(() => reject(new Error(`no ${event} within ${waitMs} ms; heard ${JSON.stringify(logs.get(socket)).slice(0, 2000)}`))), waitMs)
    const refused = (error: Error) => finish(() => reject(error))
    function listen (payload: Payload<ServerEvents[E]>) {
      if (match(payload)) finish(() => resolve(payload))
    }
    function finish (settle: () => void) {
      clearTimeout(timer)
      socket.off(event, listen as never)
      socket.off('connect_error', refused)
      settle()
    }
    socket.on(event, listen as never)
    socket.on('connect_error', refused)
  })
}

/** Emits and waits for the ack as it is, with whatever payload: for wrong ones too. An ack that breaks its schema rejects. */
export function emit (socket: Client, event: string, ...args: unknown[]): Promise<Ack<never>> {
  return new Promise((resolve, reject) => {
    // Noted in the callback: a promise would be later than events that came in the same piece.
    function note (error: Error | null, ack: Ack<never>) {
      if (error !== null) return reject(new Error(`${event}: ${error.message}`))
      logs.get(socket)!.push(['ack', ack])
      const fault = ackFault(event, ack)
      if (fault !== undefined) return reject(new Error(fault))
      resolve(ack)
    }
    (socket.timeout(WAIT_MS) as unknown as { emit: (event: string, ...args: unknown[]) => void }).emit(event, ...args, note)
  })
}

/** Emits what must be refused and returns the error; an ack that is `ok` fails the test. */
export async function refused (socket: Client, event: string, ...args: unknown[]): Promise<ErrorBody> {
  const ack = await emit(socket, event, ...args)
  if (ack.ok) throw new Error(`${event} was not refused: ${JSON.stringify(ack.data)}`)
  return ack.error
}

/** Why a socket may not connect: the `data` of its connect_error. */
export function refusal (socket: Client): Promise<ErrorBody> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no connect_error within ${WAIT_MS} ms`)), WAIT_MS)
    socket.once('connect_error', error => {
      clearTimeout(timer)
      const { data } = error as Error & { data?: ErrorBody }
      const fault = errorFault(data)
      if (fault !== undefined || data === undefined) reject(new Error(`connect_error ${error.message}: ${fault}`))
      else resolve(data)
    })
  })
}

/** Emits a right payload and returns the ack's data; a refusal fails the test. */
export async function ask<E extends keyof ClientEvents> (socket: Client, event: E, payload: Payload<ClientEvents[E]>): Promise<Reply<ClientEvents[E]>> {
  const ack: Ack<Reply<ClientEvents[E]>> = await emit(socket, event, payload)
  if (!ack.ok) throw new Error(`${event}: ${JSON.stringify(ack.error)}`)
  return ack.data
}

/** Resolves when `check` holds; fails with what it last saw. */
export async function until (what: string, check: () => boolean | Promise<boolean>, waitMs = WAIT_MS): Promise<void> {
  const deadline = Date.now() + waitMs
  while (!await check()) {
    if (Date.now() > deadline) throw new Error(`not within ${waitMs} ms: ${what}`)
    await new Promise(resolve => { setTimeout(resolve, 20) })
  }
}

import { createHmac, randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { Ack, Payload, Reply } from '../../schemas/contract.ts'
import type { ClientEvents } from '../../schemas/events.ts'
import type { Session } from '../../schemas/users.ts'
import { type Client, emit, once, open as openSocket } from '../support/sockets.ts'
import { operations, type Operation } from './documents.ts'
import type { Response, Witness } from './witness.ts'

/** The secret of the nodes and of the issuer of tokens beside them. */
export const SECRET = 'a secret of the walk that is long enough'

export interface Request {
  /** Of a path with parameters: the value of the only one. */
  id?: string
  query?: string
  /** An object goes as JSON, a text as it is, as `type` or as JSON. */
  body?: unknown
  type?: string
  headers?: Record<string, string>
}

/** A path that the document doesn't have. */
const nowhere = { method: 'GET', path: '/api/nowhere' }

const operationOf = new Map(operations.map(operation => [operation.id, operation]))

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token of another issuer that shares the secret, for somebody whom no node has seen. It ends with the second `expiresAt`, epoch milliseconds. */
export function issue (expiresAt = Date.now() + 3_600_000, role = 'member', sub: string = randomUUID()): string {
  const claims = { sub, username: 'From Elsewhere', role, exp: Math.floor(expiresAt / 1000) }
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}

/** What clients do to one node, under the eyes of the witness. */
export function createVisitors (t: Test, witness: Witness, node: { url: string }) {
  async function fetchAs (token: string | undefined, operation: Operation | typeof nowhere, { id, query = '', body, type = 'application/json', headers }: Request, method: string): Promise<Response> {
    const response = await fetch(node.url + operation.path.replace(/\{\w+\}/, id ?? 'missing') + query, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': type }),
        ...headers
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) })
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }

  /** Asks for an operation, by its id in the document; with another status than `status` the test has failed. */
  async function call<T> (token: string | undefined, id: string, status: number, request: Request = {}): Promise<T> {
    const answer = await attempt(token, id, request)
    if (answer.status !== status) throw new Error(`${id} was to answer ${status}: ${answer.status} ${answer.text}`)
    return (answer.text.startsWith('{') ? JSON.parse(answer.text) : answer.text) as T
  }

  async function attempt (token: string | undefined, id: string, request: Request = {}): Promise<Response> {
    const operation = operationOf.get(id)!
    const answer = await fetchAs(token, operation, request, operation.method)
    witness.answered(operation, answer, typeof request.body === 'object' ? request.body : undefined)
    return answer
  }

  /** A GET without the body. */
  const head = (token: string | undefined, operation: Operation, request: Request) => fetchAs(token, operation, request, 'HEAD')

  async function goNowhere () {
    witness.answered(undefined, await fetchAs(undefined, nowhere, {}, nowhere.method))
  }

  /** A new guest. */
  const enter = async (username: string) => call<Session>(undefined, 'enterAsGuest', 201, { body: { username } })

  function open (token: string, options: Parameters<typeof openSocket>[3] = {}): Client {
    const socket = openSocket(t, node, token, options)
    socket.onAny((event: string, ...args: unknown[]) => { witness.heard(event, args) })
    return socket
  }

  /** A socket that is connected. */
  async function connect (token: string, options: Parameters<typeof openSocket>[3] = {}): Promise<Client> {
    const socket = open(token, options)
    await once(socket, 'connected')
    return socket
  }

  /** Emits an event and returns its ack as it is. */
  async function say (socket: Client, event: string, payload: object): Promise<Ack<never>> {
    const ack = await emit(socket, event, payload)
    witness.acked(event, payload, ack)
    return ack
  }

  /** Emits what must be done. */
  async function ask<E extends keyof ClientEvents> (socket: Client, event: E, payload: Payload<ClientEvents[E]>): Promise<Reply<ClientEvents[E]>> {
    const ack: Ack<Reply<ClientEvents[E]>> = await say(socket, event, payload)
    if (!ack.ok) throw new Error(`${event}: ${JSON.stringify(ack.error)}`)
    return ack.data
  }

  /** Emits what must be refused with this code. */
  async function refuse (socket: Client, event: string, code: string, payload: object): Promise<void> {
    const ack = await say(socket, event, payload)
    if (ack.ok || ack.error.code !== code) throw new Error(`${event} was to fail with ${code}: ${JSON.stringify(ack)}`)
  }

  return { call, attempt, head, goNowhere, enter, open, connect, say, ask, refuse }
}

export type Visitors = ReturnType<typeof createVisitors>

import type { Test } from 'tap'
import { clientEvents } from '../../schemas/events.ts'
import { entities } from '../../schemas/index.ts'
import { statusOf } from '../../services/errors.ts'
import { errorFault } from '../support/contract.ts'
import { call, type Client, connect, emit, heard, once, open, refusal, until } from '../support/sockets.ts'
import type { Cast } from './cast.ts'
import { type Cell, FromCast, Headers, MISSING, Raw, show } from './cells.ts'
import type { Place } from './places.ts'

interface Schema { $ref?: string, properties?: Record<string, Schema> }
interface Operation { parameters?: Array<{ in: string, name: string }>, requestBody?: { content: Record<string, { schema: Schema }> }, security?: unknown[] }
export interface OpenApi { paths: Record<string, Record<string, Operation>> }

/** What came back: the error if it was refused, else what it told. `status`: over REST. */
export interface Answer { ok: boolean, body: unknown, status?: number }
export type Knock = (field: string, cell: Cell) => Promise<Answer>

const propertiesOf = (schema: Schema): string[] => {
  const name = schema.$ref?.split('/').at(-1)?.replace('#', '')
  const found = name === undefined ? schema : entities.find(({ $id }) => $id === name) as Schema
  return Object.keys(found.properties!)
}

/** The fields of every event, from the table of events. */
export const fieldsOfEvents = (): Record<string, string[]> => Object.fromEntries(
  Object.entries(clientEvents).map(([name, { payload }]) => [name, ['payload', ...propertiesOf(payload as Schema)].toSorted()]))

/** The fields of every route, from its OpenAPI document: `header.authorization`, `query`, `body`, and `path.id` and the like. */
export function fieldsOfRoutes ({ paths }: OpenApi): Record<string, string[]> {
  return Object.fromEntries(Object.entries(paths).flatMap(([path, operations]) => Object.entries(operations).map(([method, operation]) => {
    const { parameters = [], requestBody, security = [] } = operation
    const body = requestBody?.content['application/json']?.schema
    const fields = [
      ...security.length > 0 ? ['header.authorization'] : [],
      ...path.startsWith('/api/') ? ['query'] : [],
      ...parameters.map(({ in: where, name }) => `${where}.${name}`),
      ...body === undefined ? [] : ['body', ...propertiesOf(body).map(name => `body.${name}`)]
    ]
    return [`${method.toUpperCase()} ${path}`, fields.toSorted()]
  })))
}

/** Fields that are right while `field` is tried, with those of the cast filled in. */
function rightOf ({ right = {}, instead = {} }: Place, field: string, cast: Cast): Record<string, unknown> {
  return Object.fromEntries(Object.entries(right).filter(([name]) => name !== instead[field]).map(([name, value]) => [name, typeof value === 'string' && value.startsWith('(') ? cast.find(value.slice(1, -1)) : value]))
}

const valueOf = ({ value }: Cell, cast: Cast) => value instanceof FromCast ? cast.find(value.name) : value

/** `value` in the place of `field`. */
function put (fields: Record<string, unknown>, field: string, value: unknown): Record<string, unknown> {
  const { [field]: _old, ...others } = fields
  return value === MISSING ? others : { ...others, [field]: value }
}

/** Classes of whole payloads whose value goes beside the right fields. */
const isBeside = ({ class: of, value }: Cell) => ['extra', 'prototype', 'nested', 'crowd'].includes(of) && typeof value === 'object'

/** Emits an event with one of its fields, or its whole payload, replaced. */
export function knockOnEvent (socket: Client, name: string, place: Place, cast: Cast): Knock {
  const shout = (...args: unknown[]) => (socket as unknown as { emit: (name: string, ...args: unknown[]) => void }).emit(name, ...args)

  async function emitted (...args: unknown[]): Promise<Answer> {
    const ack = await emit(socket, name, ...args)
    return ack.ok ? { ok: true, body: ack.data } : { ok: false, body: ack.error }
  }

  return async function knock (field, cell) {
    const right = rightOf(place, field, cast)
    const value = valueOf(cell, cast)
    if (field !== 'payload') return emitted(put(right, field, value))
    if (cell.class === 'arguments') return emitted(right, ...value as unknown[])
    if (cell.class === 'ack') {
      const told = once(socket, 'error')
      shout(right, ...value as unknown[])
      return { ok: false, body: await told }
    }
    if (value === MISSING) return emitted()
    return emitted(isBeside(cell) ? { ...right, ...value as object } : value)
  }
}

/** Requests a route with one of its fields replaced, or its whole body or query. */
export function knockOnRoute (url: string, name: string, place: Place, cast: Cast): Knock {
  const [method, path] = name.split(' ') as [string, string]

  return async function knock (field, cell) {
    const value = valueOf(cell, cast)
    const fields = put({ 'header.authorization': cast.find('token'), ...rightOf(place, field, cast) }, field, value)
    const of = (where: string) => Object.entries(fields).filter(([key]) => key.startsWith(`${where}.`)).map(([key, given]) => [key.slice(where.length + 1), given] as const)
    const target = of('path').reduce((text, [key, given]) => text.replace(`{${key}}`, String(given)), path)
    const query = value instanceof Raw && field.startsWith('query') ? value.text : of('query').map(([key, given]) => `${key}=${String(given)}`).join('&')
    const body = bodyOf(field, cell, Object.fromEntries(of('body')))
    const { authorization } = Object.fromEntries(of('header')) as { authorization?: string }
    const response = await fetch(`${url}${target}${query === '' ? '' : `?${query}`}`, {
      method,
      headers: {
        ...authorization !== undefined && { authorization: field === 'header.authorization' && !(cell.value instanceof FromCast) ? authorization : `Bearer ${authorization}` },
        ...body !== undefined && { 'content-type': 'application/json' },
        ...value instanceof Headers && value.lines
      },
      ...body !== undefined && { body }
    })
    const text = await response.text()
    const isJson = /^application\/json/.test(response.headers.get('content-type') ?? '')
    return { ok: response.ok, status: response.status, body: isJson ? JSON.parse(text) : text }
  }

  function bodyOf (field: string, cell: Cell, right: Record<string, unknown>): string | undefined {
    if (field === 'body') {
      if (cell.value === MISSING) return undefined
      if (cell.value instanceof Raw) return cell.value.text
      if (!(cell.value instanceof Headers)) return JSON.stringify(isBeside(cell) ? { ...right, ...cell.value as object } : cell.value)
    }
    return Object.keys(place.fields).includes('body') ? JSON.stringify(right) : undefined
  }
}

/** Connects with one of the fields of the handshake replaced. */
export function knockOnDoor (t: Test, url: string, place: Place, cast: Cast): Knock {
  return async function knock (field, cell) {
    const { token, ...others } = put(rightOf(place, field, cast), field, valueOf(cell, cast))
    const options = { auth: { ...others, token }, transports: ['websocket'] }
    if (field === 'token') {
      const socket = open(t, { url }, '', options)
      const body = await refusal(socket)
      socket.disconnect()
      return { ok: false, body }
    }
    const socket = await connect(t, { url }, '', options)
    if (others.cafeId !== undefined) await until('it has joined, or not', () => heard(socket, 'message:history').length + heard(socket, 'error').length > 0)
    const [error] = heard(socket, 'error')
    socket.disconnect()
    return error === undefined ? { ok: true, body: undefined } : { ok: false, body: error }
  }
}

/** What is wrong with an answer to a cell; undefined when it is as the cell says. */
export function judge (cell: Cell, told: string | undefined, { ok, body, status }: Answer): string | undefined {
  const shown = `${cell.class} ${show(cell.value).slice(0, 80)}: ${status ?? ''} ${JSON.stringify(body)?.slice(0, 300)}`
  if (cell.want === 'taken') {
    if (!ok) return `refused, ${shown}`
    const missing = cell.value === MISSING || cell.value === '' || told === undefined || typeof cell.value !== 'string'
    return missing || told!.split('.').reduce((value, name) => (value as Record<string, unknown>)?.[name], body) === cell.value ? undefined : `told otherwise, ${shown}`
  }
  if (ok) return `taken, ${shown}`
  const fault = errorFault(body)
  if (fault !== undefined) return fault
  const { code, details = [] } = body as { code: string, details?: Array<{ field: string, rule: string }> }
  const { want } = cell
  if (code !== want.code) return `not ${want.code}, ${shown}`
  if (status !== undefined && status !== (want.status ?? statusOf(want.code))) return `status, ${shown}`
  const named = details.some(({ field, rule }) => (want.field === undefined || field === want.field) && (want.rule === undefined || rule === want.rule))
  return want.rule === undefined || named ? undefined : `not by ${want.field} ${want.rule}, ${shown}`
}

/** The document of a running server. */
export const readOpenApi = (url: string) => call<OpenApi>({ url }, 'GET', '/docs/openapi.json')

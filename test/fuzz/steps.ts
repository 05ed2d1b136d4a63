import fc, { type Arbitrary } from 'fast-check'
import { clientEvents } from '../../schemas/events.ts'
import { junk, likely, right, type Schema } from './values.ts'

interface Parameter { in: string, name: string, schema: Schema }
interface Operation { parameters?: Parameter[], requestBody?: { content: Record<string, { schema: Schema }> }, security?: unknown[], responses: Record<string, unknown> }
export interface Document { paths: Record<string, Record<string, Operation>> }

/** A route as a session calls it. `statuses`: those that its document declares. */
export interface Route { method: string, path: string, statuses: string[], isOpen: boolean }

/** `device` and `user` are counted around, like the ids that payloads refer to. */
export type Step =
  | { do: 'emit', device: number, event: string, args: unknown[], ack: boolean }
  | { do: 'call', user: number, route: Route, path: Record<string, unknown>, query: Record<string, unknown>, body: unknown, token: 'good' | 'none' | 'bad' }
  | { do: 'packet', device: number, text: string }
  | { do: 'cut', device: number, politely: boolean }
  | { do: 'back', device: number, cafe: number, since: 'mine' | 'none' | 'wild', token: 'good' | 'bad' }
  | { do: 'settle' }

const device = fc.nat(3)

/** Events of the table and, now and then, others; with payloads that mostly fit. */
function emits (): Arbitrary<Step> {
  const weights: Record<string, number> = { 'message:send': 8, 'message:edit': 4, 'message:delete': 2, 'join:cafe': 3, 'leave:cafe': 1 }
  const known = Object.entries(clientEvents).map(([event, { payload }]) => ({
    weight: weights[event] ?? 1,
    arbitrary: fc.record({
      do: fc.constant('emit' as const),
      device,
      event: fc.constant(event),
      args: fc.oneof({ weight: 20, arbitrary: right(payload as Schema).map(object => [object]) }, { weight: 1, arbitrary: fc.array(junk, { maxLength: 3 }) }),
      ack: fc.integer({ min: 0, max: 9 }).map(number => number > 0)
    })
  }))
  const unknown = fc.record({
    do: fc.constant('emit' as const),
    device,
    event: fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'message', 'error', 'message:new', ''), fc.string({ unit: 'binary', maxLength: 20 })).filter(name => !['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'].includes(name)),
    args: fc.array(junk, { maxLength: 2 }),
    ack: fc.boolean()
  })
  return fc.oneof(...known, { weight: 1, arbitrary: unknown })
}

/** Requests of the routes that a document names below /api. */
function calls ({ paths }: Document): Arbitrary<Step> {
  const weights: Record<string, number> = { 'POST /api/chat/messages/{id}': 4, 'PATCH /api/chat/messages/{id}': 3, 'DELETE /api/chat/messages/{id}': 2, 'GET /api/chat/messages/{id}': 3 }
  const operations = Object.entries(paths).filter(([path]) => path.startsWith('/api/')).flatMap(([path, of]) => Object.entries(of).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })))
  return fc.oneof(...operations.map(({ path, method, operation: { parameters = [], requestBody, security = [], responses } }) => {
    const schema = requestBody?.content['application/json']?.schema
    const of = (where: string) => parameters.filter(parameter => parameter.in === where)
    const query = fc.record(Object.fromEntries(of('query').map(({ name, schema }) => [name, likely(name, schema)])), { requiredKeys: [] })
    return {
      weight: weights[`${method} ${path}`] ?? 1,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        user: fc.nat(2),
        route: fc.constant({ method, path, statuses: Object.keys(responses), isOpen: security.length === 0 }),
        path: fc.record(Object.fromEntries(of('path').map(({ name, schema }) => [name, likely(name, schema)]))),
        query: fc.oneof({ weight: 9, arbitrary: query }, { weight: 1, arbitrary: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { maxKeys: 3 }) }),
        body: schema === undefined ? fc.constant(undefined) : fc.oneof({ weight: 12, arbitrary: right(schema) as Arbitrary<unknown> }, { weight: 1, arbitrary: junk }),
        token: fc.oneof({ weight: 18, arbitrary: fc.constant('good' as const) }, { weight: 1, arbitrary: fc.constantFrom('none' as const, 'bad' as const) })
      })
    }
  }))
}

/** Packets that no client sends, as they stand behind Engine.IO's type. */
const packets = fc.oneof(
  fc.constantFrom('2', '2[', '2[]', '2[5]', '2{}', '2["join:cafe"', '2999["leave:cafe",{}]', '3', '30[]', '3999[]', '0', '0{}', '4{}', '50-["x",{}]', '5["x"]', '51-["x",{"_placeholder":true,"num":0}]', '599-["x"]', '9', '2/admin,["x"]', '1/admin,'),
  fc.string({ unit: 'binary', maxLength: 20 }).map(text => `2["${text}`)
)

/** A session of several devices of a few people, in the order in which it is played. At least `length` steps. */
export function sessions (document: Document, length: number): Arbitrary<Step[]> {
  const step: Arbitrary<Step> = fc.oneof(
    { weight: 60, arbitrary: emits() },
    { weight: 18, arbitrary: calls(document) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), device, politely: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('back' as const), device, cafe: fc.nat(2), since: fc.constantFrom('mine' as const, 'mine' as const, 'none' as const, 'wild' as const), token: fc.oneof({ weight: 9, arbitrary: fc.constant('good' as const) }, { weight: 1, arbitrary: fc.constant('bad' as const) }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('packet' as const), device, text: packets }) },
    { weight: 6, arbitrary: fc.constant({ do: 'settle' as const }) }
  )
  return fc.array(step, { minLength: length, maxLength: length + 20, size: 'max' })
}

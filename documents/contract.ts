import { Type, type TSchema } from '@sinclair/typebox'
import { Ref, Strict } from '../schemas/common.ts'
import { Accepted, type EventSpec } from '../schemas/contract.ts'
import { Refusal } from '../schemas/errors.ts'
import { clientEvents, serverEvents } from '../schemas/events.ts'
import { entities } from '../schemas/index.ts'

/** `message:send` as a name of types: `MessageSend`. */
export const pascal = (name: string) => name.split(/[^A-Za-z0-9]/).map(part => part.slice(0, 1).toUpperCase() + part.slice(1)).join('')

/** The example that a schema begins with. @throws if it has none */
export function exampleOf ({ $id, examples }: TSchema): unknown {
  const [first] = (examples ?? []) as unknown[]
  if (first === undefined) throw new Error(`${$id} has no example`)
  return first
}

/** The acks have names too, so that a client in any language gets a type for each: one for success, one for both outcomes. Generators write `Ack` as `ACK`. */
function nameAck (event: string, data: TSchema): { accepted: TSchema, ack: TSchema } {
  const [done, refused] = [{ ok: true, data: exampleOf(data) }, exampleOf(Refusal)]
  const name = pascal(event)
  const accepted = Accepted(Ref(data), { $id: `${name}Accepted`, title: `${name}Accepted`, description: `\`${event}\` was done`, examples: [done] })
  const ack = Type.Union([Ref(accepted), Ref(Refusal)], { $id: `${name}Answer`, title: `${name}Answer`, description: `What the ack of \`${event}\` answers`, examples: [done, refused] })
  return { accepted, ack }
}

/** By the names of events of the client: their acks. */
export const acks = new Map(Object.entries(clientEvents).map(([event, { ack }]) => [event, nameAck(event, ack)]))

const clientTable = Object.entries(clientEvents).map(([event, { summary, payload }]) => {
  const exchange = Strict({ payload: Ref(payload), ack: Ref(acks.get(event)!.ack) }, { title: `${pascal(event)}Exchange`, description: summary })
  return [event, exchange] as const
})

const serverTable = Object.entries(serverEvents).map(([event, { payload }]: [string, EventSpec]) => [event, Ref(payload)] as const)

const ClientEvents = Strict(Object.fromEntries(clientTable), {
  $id: 'ClientEvents',
  title: 'ClientEvents',
  description: 'By the names of events that a client sends: what they carry, and what their acks answer'
})

const ServerEvents = Strict(Object.fromEntries(serverTable), {
  $id: 'ServerEvents',
  title: 'ServerEvents',
  description: 'By the names of events that the server sends: what they carry'
})

/** The names that a schema refers to, directly or by others. */
function reach (schemas: readonly TSchema[], seen = new Set<string>()): Set<string> {
  const found = [...JSON.stringify(schemas).matchAll(/"\$ref":"(\w+)#"/g)].map(([, name]) => name!).filter(name => !seen.has(name))
  for (const name of found) seen.add(name)
  return found.length === 0 ? seen : reach(everything.filter(({ $id }) => found.includes($id!)), seen)
}

const everything = [...entities, ...[...acks.values()].flatMap(({ accepted, ack }) => [accepted, ack])]
const inEvents = reach([ClientEvents, ServerEvents])
const others = entities.filter(({ $id }) => !inEvents.has($id!)).map(entity => [entity.$id!.slice(0, 1).toLowerCase() + entity.$id!.slice(1), Type.Optional(Ref(entity))] as const)

const Bodies = Strict(Object.fromEntries(others), {
  $id: 'Bodies',
  title: 'Bodies',
  description: 'What only REST has in its bodies, by name'
})

/** The tables: they travel in no place, and lead generators to everything that does. */
export const tables = { client: ClientEvents, server: ServerEvents, rest: Bodies }

/** Everything with a name: the entities, the acks, and the tables. */
export const named: ReadonlyMap<string, TSchema> = new Map(
  [...everything, ...Object.values(tables)]
    .map(schema => [schema.$id!, schema] as const)
    .toSorted(([a], [b]) => a < b ? -1 : 1)
)

import type { TSchema } from '@sinclair/typebox'
import { named, tables } from './contract.ts'

/** A value that is written as JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
/** The one that has all the others, for generators that want one file. */
export const BUNDLE = 'Contract'

/**
 * A schema as plain JSON without `$id`s, whose references begin with `base`. The names that it refers to are added to `seen`.
 * Whatever TypeBox keeps beside the schema stays behind.
 */
export function toJson (schema: TSchema, base: string, seen = new Set<string>()): JsonObject {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    if (key === '$id') return undefined
    if (key !== '$ref' || typeof value !== 'string') return value
    const name = value.replace(/#$/, '')
    seen.add(name)
    return base + name
  })
  return JSON.parse(text) as JsonObject
}

/** What a schema refers to, directly or not, by name and in the order of names. */
export function closureOf (names: Iterable<string>, base: string): JsonObject {
  const found = new Map<string, JsonObject>()
  const open = new Set(names)
  for (const name of open) found.set(name, toJson(schemaOf(name), base, open))
  return Object.fromEntries([...found].toSorted(([a], [b]) => a < b ? -1 : 1))
}

function schemaOf (name: string): TSchema {
  const schema = named.get(name)
  if (schema === undefined) throw new Error(`no schema has the name ${name}`)
  return schema
}

function selfContained (name: string): JsonObject {
  const references = new Set<string>()
  const schema = toJson(schemaOf(name), '#/$defs/', references)
  const $defs = closureOf(references, '#/$defs/')
  return { $schema: DIALECT, $id: idOf(name), ...schema, ...(references.size > 0 && { $defs }) }
}

const idOf = (name: string) => `urn:klatsch:schema:${name}`

/** JSON Schema 2020-12 by name: each is complete in itself. */
export function buildJsonSchemas (): Map<string, JsonObject> {
  const all = {
    $schema: DIALECT,
    $id: idOf(BUNDLE),
    title: BUNDLE,
    description: 'Everything that travels, for generators that want one file: the tables of events and of REST, and all that has a name',
    type: 'object',
    properties: Object.fromEntries(Object.entries(tables).map(([name, { $id }]) => [name, { $ref: `#/$defs/${$id}` }])),
    additionalProperties: false,
    $defs: closureOf(named.keys(), '#/$defs/')
  }
  return new Map([[BUNDLE, all as JsonObject], ...[...named.keys()].map(name => [name, selfContained(name)] as const)])
}

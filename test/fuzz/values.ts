import fc, { type Arbitrary } from 'fast-check'
import { entities } from '../../schemas/index.ts'

/** What a schema or an OpenAPI document says of a value. */
export interface Schema {
  $ref?: string
  type?: string
  enum?: unknown[]
  format?: string
  description?: string
  minimum?: number
  maximum?: number
  minLength?: number
  properties?: Record<string, Schema>
  required?: string[]
}

/** The id of something that the session has, or will have: a cafe, a message, a user; or the token of one. Of those there are, counted around. */
export interface Reference { $: 'cafe' | 'message' | 'user' | 'token', at: number }

const isReference = (value: object): value is Reference => '$' in value && 'at' in value && Object.keys(value).length === 2

/** The same value with ids in the place of references. */
export function resolve (value: unknown, find: (reference: Reference) => string): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(one => resolve(one, find))
  if (isReference(value)) return find(value)
  const resolved = {}
  for (const [name, one] of Object.entries(value)) Object.defineProperty(resolved, name, { value: resolve(one, find), enumerable: true, configurable: true, writable: true })
  return resolved
}

const reference = ($: Reference['$']): Arbitrary<Reference> => fc.record({ $: fc.constant($), at: fc.nat(30) })

/** Texts that were a trouble to somebody once. */
const TRICKY = [
  '', ' ', '\u0000', 'a\u0000b', '\ud800', 'half \udc00', '\u200b', '\ufeff', '\u202eabc', '\u2066', '\u0301\u0301', '\u{e0041}', '__proto__', 'constructor', "' OR 1=1--", '$1', '\\', '%', '*', 'a:users', '{}', 'null', 'NaN', '1e1', '\n{"level":60}', '\u001b[31m',
  '<script>alert(1)</script>', 'x'.repeat(65), 'x'.repeat(501), '🥐'.repeat(500), '🥐'.repeat(501), '0'.repeat(400), '00000000-0000-4000-8000-000000000000', '00000000-0000-4000-8000-00000000000A'
]

const proto = fc.constantFrom('{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '{"length":5}', '{"toString":1,"valueOf":1}', '[[[[[[[[[]]]]]]]]]').map(text => JSON.parse(text) as unknown)

/** Anything that JSON can say. */
export const junk: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 2 ** 53, -(2 ** 53), 1e308, [], {}, ...TRICKY), fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 30 }), fc.jsonValue({ maxDepth: 3 }), proto, reference('cafe'), reference('message'))

/** What people say, and what programs call it: few, so that things are said and named twice. */
const words = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('hello', 'again', 'two words', '🥐 fresh', 'مرحبا', 'こんにちは', 'c1', 'c2', 'c3', 'espresso machine') }, { weight: 4, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) }, { weight: 1, arbitrary: fc.constantFrom(...TRICKY) })

const named = ($ref: string): Schema => {
  const found = entities.find(({ $id }) => $id === $ref.split('/').at(-1)!.replace('#', ''))
  if (found === undefined) throw new Error(`no entity for ${$ref}`)
  return found as Schema
}

function textOf (name: string, { format, description = '' }: Schema): Arbitrary<unknown> {
  if (name === 'userIds') return fc.array(reference('user'), { minLength: 1, maxLength: 4 })
  if (name === 'token') return reference('token')
  if (format !== 'uuid') return words
  return reference(/message/i.test(description) ? 'message' : /user|nextCursor/i.test(description) ? 'user' : 'cafe')
}

/** A value that fits, as far as its schema says what does. */
function fitting (name: string, schema: Schema): Arbitrary<unknown> {
  if (schema.$ref !== undefined) return fitting(name, named(schema.$ref))
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.type === 'string') return textOf(name, schema)
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = schema
    return fc.oneof({ weight: 4, arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, minimum + 60) }) }, { weight: 1, arbitrary: fc.constantFrom(minimum, maximum) })
  }
  if (schema.properties !== undefined) return right(schema)
  if (schema.type === 'boolean') return fc.boolean()
  return junk
}

/** Mostly what fits. */
export const likely = (name: string, schema: Schema): Arbitrary<unknown> => fc.oneof({ weight: 12, arbitrary: fitting(name, schema) }, { weight: 1, arbitrary: junk })

/** An object that mostly fits: a field may be wrong or missing, and there may be one more. */
export function right (schema: Schema): Arbitrary<Record<string, unknown>> {
  const { properties = {}, required = [] } = schema.$ref === undefined ? schema : named(schema.$ref)
  const fields = fc.record(Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, likely(name, of)])), { requiredKeys: required })
  const surplus = fc.record({ name: fc.constantFrom('__proto__', 'constructor', 'userId', 'seq', 'token', '$', 'x'), value: junk })
  return fc.oneof({ weight: 14, arbitrary: fields }, { weight: 1, arbitrary: fc.tuple(fields, surplus).map(([object, { name, value }]) => Object.defineProperty({ ...object }, name, { value, enumerable: true, configurable: true, writable: true })) })
}

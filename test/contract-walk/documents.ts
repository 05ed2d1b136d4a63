/** What is committed in docs/, read from disk: the only thing by which this walk judges. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { plain, read, section, sections, table } from '../docs/markdown.ts'
import { projectRoot } from '../support/paths.ts'

/** As far as the documents use it. */
export interface Schema {
  $ref?: string
  type?: string
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  enum?: string[]
}

/** What is wrong with a value; undefined when it is as documented. */
export type Check = ((value: unknown) => string | undefined) & { schema: Schema }

/** `body`: undefined where the document has none. `headers`: by their names in lower case. */
export interface Answer { mediaType: string | undefined, body: Check | undefined, headers: Map<string, Check> }

export interface Operation {
  id: string
  method: string
  path: string
  /** What the document says of the body of a request; undefined where it has none. */
  request: Check | undefined
  answers: Map<number, Answer>
}

type Content = Record<string, { schema: Schema }>
interface Components { components: { schemas: Record<string, Schema> } }
interface Described {
  operationId: string
  requestBody?: { content: Content }
  responses: Record<string, { content?: Content, headers?: Record<string, { schema: Schema }> }>
}
interface OpenApi extends Components { paths: Record<string, Record<string, Described>> }
interface Reference { $ref: string }
interface AsyncApi extends Components {
  operations: Record<string, { action: 'send' | 'receive', messages: [Reference], reply?: { messages: [Reference] } }>
}

/** The same document, with objects closed that it leaves open: a field that it does not name is a fault, unless it says otherwise. */
function close (document: unknown): unknown {
  if (Array.isArray(document)) return document.map(close)
  if (typeof document !== 'object' || document === null) return document
  const closed = Object.fromEntries(Object.entries(document).map(([key, value]) => [key, close(value)]))
  const isOpen = closed.type === 'object' && closed.properties !== undefined && !('additionalProperties' in closed) && !('unevaluatedProperties' in closed)
  return isOpen ? { ...closed, unevaluatedProperties: false } : closed
}

const ajv = new Ajv2020({ strict: true, strictRequired: true, allErrors: true })
addFormats.default(ajv)

/** A document, whose schemas become one that Ajv can refer to: it takes no document around them. */
function load<T extends Components> (name: 'openapi' | 'asyncapi'): T {
  const $id = `urn:walk:${name}`
  const document = close(JSON.parse(read(`docs/${name}.json`).replaceAll('"#/components/schemas/', `"${$id}#/$defs/`))) as T
  ajv.addSchema({ $id, $defs: document.components.schemas })
  return document
}

const openApi = load<OpenApi>('openapi')
const asyncApi = load<AsyncApi>('asyncapi')
for (const file of readdirSync(join(projectRoot, 'docs', 'schemas'))) ajv.addSchema(close(JSON.parse(read(`docs/schemas/${file}`))) as Schema)

/** Of a schema in one of the two documents. One with a name is checked by its own file as well. */
export function checkOf (schema: Schema): Check {
  const name = schema.$ref?.split('/').at(-1)
  const validators = [schema, ...name === undefined ? [] : [{ $ref: `urn:klatsch:schema:${name}` }]].map(one => ajv.compile(one))
  function check (value: unknown) {
    const failed = validators.find(validate => validate(value) !== true)
    return failed && `${ajv.errorsText(failed.errors)}: ${JSON.stringify(value)?.slice(0, 500)}`
  }
  return Object.assign(check, { schema })
}

/** What a reference in a schema leads to. */
export function schemaOf (ref: string): Schema {
  const [document, name] = ref.split('#/$defs/') as [string, string]
  return (document.endsWith('openapi') ? openApi : asyncApi).components.schemas[name]!
}

/** Of the text of a header, which is a number if the document says so. */
function headerCheck (schema: Schema): Check {
  const check = checkOf(schema)
  return Object.assign((text: unknown) => check(schema.type === 'integer' ? Number(text) : text), { schema })
}

function bodyOf (content: Content | undefined) {
  const entries = Object.entries(content ?? {})
  if (entries.length > 1) throw new Error('a body of several media types is not looked at here')
  const [mediaType, media] = entries[0] ?? []
  return { mediaType, body: media && checkOf(media.schema) }
}

export const operations: Operation[] = Object.entries(openApi.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({
  id: operation.operationId,
  method: method.toUpperCase(),
  path,
  request: bodyOf(operation.requestBody?.content).body,
  answers: new Map(Object.entries(operation.responses).map(([status, { content, headers }]) => [
    Number(status),
    { ...bodyOf(content), headers: new Map(Object.entries(headers ?? {}).map(([name, { schema }]) => [name.toLowerCase(), headerCheck(schema)])) }
  ]))
})))

/** Follows a reference of AsyncAPI to a message, by way of its channel. */
function messageOf (reference: Reference): { name: string, payload: Schema } {
  const found = reference.$ref.slice(2).split('/').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], asyncApi) as Reference | { name: string, payload: Schema }
  return '$ref' in found ? messageOf(found) : found
}

/** By name: what the client may emit, and what its ack answers. */
export const clientEvents = new Map<string, { payload: Check, ack: Check }>()
/** By name: what the server emits. */
export const serverEvents = new Map<string, Check>()
for (const { action, messages, reply } of Object.values(asyncApi.operations)) {
  const { name, payload } = messageOf(messages[0])
  const check = checkOf(payload)
  if (action === 'send') serverEvents.set(name, check)
  else clientEvents.set(name, { payload: check, ack: checkOf(messageOf(reply!.messages[0]).payload) })
}

/** The one shape of failures, wherever no event and no route says so. */
export const errorBody = checkOf({ $ref: 'urn:walk:asyncapi#/$defs/ErrorBody' })
/** The ack of an event that is not declared. */
export const refusal = checkOf({ $ref: 'urn:walk:asyncapi#/$defs/Refusal' })

/** Every code of errors.md, with its status over REST. */
export const codes = new Map(table(read('docs/errors.md')).map(row => [plain(row.code!), Number(row.status)]))

const protocol = section(read('docs/protocol.md'), 'Events of the client')
const codesIn = (text: string) => [...text.matchAll(/`(CHAT_\w+)`/g)].map(([, code]) => code!)
/** What each event of the client may fail with, by protocol.md: what it says of the event, and what of all of them but for faults of the program. */
export const refusals: Array<[event: string, code: string]> = sections(protocol, 3).flatMap(({ title, text }) =>
  [...codesIn(/^Errors: (.*)$/m.exec(text)![1]!), 'CHAT_VALIDATION', 'CHAT_UNAUTHENTICATED'].map((code): [string, string] => [title, code]))

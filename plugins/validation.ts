import { type RouteDefinition, SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { TSchema } from '@sinclair/typebox'
import { Ajv, type ErrorObject, type Options } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ErrorDetail } from '../schemas/errors.ts'
import { entities } from '../schemas/index.ts'
import { type ChatError, refuse } from '../services/errors.ts'

/** Checks one value: undefined when it fits, else the CHAT_VALIDATION to answer with. */
export type Check = (value: unknown) => ChatError | undefined

declare module 'fastify' {
  interface FastifyInstance {
    /** Knows every entity and format. Coerces nothing, drops nothing, fills nothing in. */
    ajv: Ajv
    /** Compiles a schema into a check by that law: for bodies and socket payloads alike. */
    check: (schema: TSchema) => Check
  }
}

const maxDetails = 10
const maxFieldLength = 100
const maxProperties = 100

// Upper-case letters would make two keys and two rooms of one id.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

// `limit=`, `1e1`, `0x10`, ` 5` and `007` are numbers to Ajv's own coercion; here they are mistakes.
const plainInteger = /^(?:0|-?[1-9][0-9]*)$/

/**
 * What to tell the client of Ajv's findings, at most ten.
 * @returns `field`: dotted path, with the name of a missing or an extra field; `rule`: the keyword
 */
export function toDetails (errors: readonly ErrorObject[]): ErrorDetail[] {
  return errors.slice(0, maxDetails).map(error => ({ field: fieldOf(error), rule: error.keyword }))
}

function fieldOf ({ instancePath, params }: ErrorObject): string {
  const path = instancePath.split('/').slice(1).map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
  const name: unknown = params.missingProperty ?? params.additionalProperty
  if (typeof name === 'string') path.push(name)
  return path.join('.').slice(0, maxFieldLength)
}

const bodiless = new Set(['GET', 'HEAD', 'OPTIONS'])

/** For a body in a form that is not taken: the CHAT_VALIDATION with status 415, which names the header that says so. */
export function refuseMedia (field: string, rule: string, message: string, cause?: unknown): ChatError {
  const error = refuse('CHAT_VALIDATION', { message, details: [{ field, rule }], ...(cause !== undefined && { cause }) })
  return Object.assign(error, { statusCode: 415 })
}

function createAjv (options: Options = {}): Ajv {
  const ajv = new Ajv({ allErrors: true, messages: false, ...options })
  addFormats.default(ajv, ['date-time'])
  ajv.addFormat('uuid', uuid)
  ajv.addSchema(entities)
  return ajv
}

// What is compiled serves all servers of the process.
const ajv = createAjv()
const textAjv = createAjv({ useDefaults: true })

function createCheck (ajv: Ajv, schema: TSchema): Check {
  const validate = ajv.compile(schema)
  return function check (value) {
    const rule = preclude(value)
    if (rule !== undefined) return refuse('CHAT_VALIDATION', { details: [{ field: '', rule }] })
    if (validate(value)) return undefined
    return refuse('CHAT_VALIDATION', { details: toDetails(validate.errors!) })
  }
}

/**
 * The rule that a value breaks before Ajv sees it: Ajv makes one error of every extra field, and of every byte of a buffer,
 * which would cost seconds and hundreds of megabytes for one large payload.
 */
function preclude (value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (ArrayBuffer.isView(value)) return 'type'
  return Object.keys(value).length > maxProperties ? 'maxProperties' : undefined
}

/** A query or the parameters of a path are text: whole numbers are read where the schema wants them, defaults are filled in. */
function createTextCheck (ajv: Ajv, schema: TSchema): Check {
  const check = createCheck(ajv, schema)
  const properties: Record<string, TSchema> = schema.properties
  const integers = Object.keys(properties).filter(name => properties[name]!.type === 'integer')
  return function checkText (value) {
    const given = value as Record<string, unknown>
    for (const name of integers) {
      const text = given[name]
      if (typeof text === 'string' && plainInteger.test(text)) given[name] = Number(text)
    }
    return check(given)
  }
}

/** Schemas by name. Ours come before those that a host server may have under the same names: responses refer to ours. */
function createBucket (fastify: FastifyInstance, inherited: unknown) {
  const others = new Map<string, unknown>(Object.entries(inherited as Record<string, unknown>))
  const ours = new Map<string, unknown>(entities.map(entity => [entity.$id!, entity]))
  return {
    add (schema: unknown) {
      others.set((schema as TSchema).$id!, schema)
      return fastify
    },
    getSchema: (id: string) => ours.get(id) ?? others.get(id),
    getSchemas: () => Object.fromEntries([...others, ...ours])
  }
}

const createSerializer = SerializerSelector()
const serializers = new Map<string, ReturnType<ReturnType<typeof createSerializer>>>()

/** Most statuses of most routes answer with the same few schemas: each is compiled once, for all servers of the process. */
function compileSerializer (fastify: FastifyInstance, route: RouteDefinition) {
  const schemas = fastify.getSchemas()
  const others = Object.values(schemas).filter(schema => !entities.includes(schema as typeof entities[number]))
  const key = JSON.stringify([route.schema, others])
  const serializer = serializers.get(key) ?? createSerializer(schemas, {})(route)
  serializers.set(key, serializer)
  return serializer
}

/** One law for both transports, whatever the host server's own compilers, parsers and limits are. */
async function validation (fastify: FastifyInstance) {
  fastify.decorate('ajv', ajv)
  fastify.decorate('check', (schema: TSchema) => createCheck(ajv, schema))

  fastify.setSchemaController({ bucket: inherited => createBucket(fastify, inherited) })
  fastify.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    const check = httpPart === 'body' ? createCheck(ajv, schema) : createTextCheck(textAjv, schema)
    return value => {
      const error = check(value)
      return error === undefined ? { value } : { error }
    }
  })

  fastify.setSerializerCompiler(route => compileSerializer(fastify, route as RouteDefinition))

  // JSON and nothing else. Keys that reach for a prototype stay what they are in JSON, names, so that the schema refuses them by name.
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, fastify.getDefaultJsonParser('ignore', 'ignore'))

  fastify.addHook('preParsing', function refuseEncoded (request, _reply, _payload, done) {
    const encoding = request.headers['content-encoding']
    const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity'
    done(isPlain || request.is404 || bodiless.has(request.method) ? null : refuseMedia('content-encoding', 'contentEncoding', 'The body must not be compressed'))
  })

  fastify.addHook('onRoute', route => {
    route.bodyLimit ??= fastify.config.socket.maxPayload
  })
}

export default fp(validation, { name: 'validation', dependencies: ['config'] })

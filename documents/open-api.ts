import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { named } from './contract.ts'
import { closureOf, type Json, type JsonObject } from './json-schemas.ts'

const SCHEMAS = '#/components/schemas/'

const tags = [
  { name: 'auth', description: 'Tokens: who one is' },
  { name: 'cafes', description: 'The rooms' },
  { name: 'messages', description: 'What was said, and saying something' },
  { name: 'presence', description: 'Who is where, and how they are' },
  { name: 'topics', description: 'What a cafe talks about' },
  { name: 'health', description: 'For whoever runs this node' },
  { name: 'docs', description: 'What this server can do' },
  { name: 'home', description: 'Where things are' }
]

const statuses: Partial<Record<string, string>> = {
  200: 'Done',
  201: 'Made',
  304: 'The page is still the one of If-None-Match',
  400: 'The path, the query or the body breaks its schema, or a rule of its content',
  401: 'There is no good token',
  403: 'This user may not do it',
  404: 'There is no such thing',
  409: 'Another content was sent under this `clientId`',
  413: 'The body is too large',
  415: 'The body is not application/json',
  429: 'Too often; `retryAfterMs` and `Retry-After` say when to come again',
  431: 'The header of the request is too long',
  500: 'A fault of the program',
  503: 'A server that is needed is away, or the node is starting, stopping or too busy'
}

/**
 * What @fastify/swagger is told of the document.
 * @param info.prefix the routes are below it, and the server's URL is this path
 */
export function openApiSettings ({ version, license, prefix }: { version: string, license: string, prefix: string }): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'klatsch REST',
        version,
        description: 'Chat rooms over REST. What happens live is told over Socket.IO: see asyncapi.json beside this document.',
        license: { name: license, identifier: license } as { name: string }
      },
      servers: [{ url: prefix === '' ? '/' : prefix, description: 'The server that this document came from' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token comes from `POST /api/auth/guest`, or from another issuer that the server trusts' } } },
      tags
    },
    // Somebody else's routes on the same server have no place here.
    hideUntagged: true,
    convertConstToEnum: false,
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `Unnamed${index}`) }
  }
}

/** A request with too long a header never gets to a route. */
const TOO_LONG = { description: '', content: { 'application/json': { schema: { $ref: `${SCHEMAS}ErrorBody` } } } }

type Operation = JsonObject & { responses: Record<string, JsonObject>, requestBody?: JsonObject & { content: Record<string, { schema: JsonObject }> } }

const refOf = (schema: JsonObject | undefined) => typeof schema?.$ref === 'string' ? schema.$ref.slice(SCHEMAS.length) : undefined

/** What the generator does not know: who needs a token, which body may be left out, what a status means, and headers. */
function complete (operation: Operation, schemas: Record<string, JsonObject>): JsonObject {
  const { requestBody, responses, ...rest } = operation
  const answers: Array<[string, Json]> = Object.entries({ ...responses, 431: TOO_LONG }).map(([status, response]) => [status, answer(status, response, '304' in responses)])
  const body = refOf(requestBody?.content['application/json']?.schema)
  return {
    ...rest,
    security: '401' in responses ? [{ bearer: [] }] : [],
    ...(requestBody !== undefined && { requestBody: { ...requestBody, required: body === undefined || 'required' in schemas[body]! } }),
    responses: Object.fromEntries(answers)
  }
}

/** Headers that an answer may have. Only pages that can be unchanged have a tag; a node that is not ready does not know for how long. */
function headersOf (status: string, response: JsonObject, isTagged: boolean): JsonObject {
  const isRefusal = JSON.stringify(response).includes(`${SCHEMAS}ErrorBody"`)
  if (status === '401') return { headers: { 'WWW-Authenticate': { description: 'The scheme of the token', schema: { type: 'string', const: 'Bearer' } } } }
  if (isRefusal && ['429', '503'].includes(status)) return { headers: { 'Retry-After': { description: 'Seconds until another try makes sense, if that is known', schema: { type: 'integer' } } } }
  if (isTagged && ['200', '304'].includes(status)) return { headers: { ETag: { description: 'Of this page: give it back as If-None-Match', schema: { type: 'string' } } } }
  return {}
}

function answer (status: string, response: JsonObject, isTagged: boolean): JsonObject {
  const description = statuses[status]
  if (description === undefined) throw new Error(`no words for the status ${status}`)
  // What has no body has no content, not one that is null.
  if (status === '304') return { description, ...headersOf(status, response, isTagged) }
  return { ...response, description, ...headersOf(status, response, isTagged) }
}

/** A document of @fastify/swagger, completed, with no schema that nobody refers to. */
export function completeOpenApi (document: object): JsonObject {
  const { openapi, info, servers, paths, components, tags } = JSON.parse(JSON.stringify(document)) as Record<string, JsonObject> & { paths: Record<string, Record<string, Operation>> }
  // Schemas that a host server shares are no concern of ours, not even those that have one of our names.
  const known = closureOf(named.keys(), SCHEMAS) as Record<string, JsonObject>
  const completed = Object.fromEntries(Object.entries(paths).map(([path, item]) => [
    path,
    Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, complete(operation, known)]))
  ]))
  const used = [...JSON.stringify(completed).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!)
  return {
    openapi: openapi as unknown as string,
    info: info!,
    servers: servers!,
    tags: tags!,
    paths: completed as JsonObject,
    components: { securitySchemes: components!.securitySchemes!, schemas: closureOf(used, SCHEMAS) }
  }
}

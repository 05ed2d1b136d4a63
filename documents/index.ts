import { buildAsyncApi } from './async-api.ts'
import { buildJsonSchemas, type JsonObject } from './json-schemas.ts'
import { completeOpenApi } from './open-api.ts'
import { buildReference } from './reference.ts'

export { openApiSettings } from './open-api.ts'
export { style } from './style.ts'

/** What the documents say of the program and of the place where it runs. `license`: its SPDX name. `path`: of Socket.IO. */
export interface About { version: string, license: string, path: string }

export interface Documents { openapi: JsonObject, asyncapi: JsonObject, schemas: ReadonlyMap<string, JsonObject> }

/** @param openapi what @fastify/swagger made of the routes, by `openApiSettings` */
export function buildDocuments (openapi: object, about: About): Documents {
  return { openapi: completeOpenApi(openapi), asyncapi: buildAsyncApi(about), schemas: buildJsonSchemas() }
}

/** As it is committed and served: indented, with a line feed at its end. */
export const print = (document: JsonObject): string => JSON.stringify(document, null, 2) + '\n'

/** Each document as text, by its path below docs/. */
export function printDocuments ({ openapi, asyncapi, schemas }: Documents): Map<string, string> {
  return new Map([
    ['openapi.json', print(openapi)],
    ['asyncapi.json', print(asyncapi)],
    ...[...schemas].map(([name, schema]) => [`schemas/${name}.json`, print(schema)] as const)
  ])
}

/** The page for people. */
export const printReference = ({ openapi, asyncapi }: Documents): string => buildReference(openapi, asyncapi)

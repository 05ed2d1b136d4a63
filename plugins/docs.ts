import { existsSync, readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { buildDocuments, openApiSettings, printDocuments, printReference } from '../documents/index.ts'

interface Pages {
  /** By its path below /docs: `openapi.json`, `asyncapi.json`, `schemas/Message.json` ... */
  files: ReadonlyMap<string, string>
  /** The reference for people, HTML. */
  reference: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What this program calls itself. */
    about: { name: string, version: string, license: string }
    /** The documents about this server, made at the first call. @throws before the server is ready */
    docs: () => Pages
    /** The routes as @fastify/swagger describes them. A name of our own: a host server may have its own document. */
    describeRoutes: () => object
  }
}

/** `fastify.docs()`: OpenAPI, AsyncAPI, JSON Schemas and a page for people, all from the schemas of the routes and events. */
async function docs (fastify: FastifyInstance) {
  const about = readPackage()
  await fastify.register(swagger, { ...openApiSettings({ ...about, prefix: fastify.prefix }), decorator: 'describeRoutes' as 'swagger' })
  fastify.decorate('about', about)

  let pages: Pages | undefined
  fastify.decorate('docs', function docs () {
    pages ??= makePages()
    return pages
  })

  function makePages (): Pages {
    const documents = buildDocuments(fastify.describeRoutes(), { ...about, path: fastify.config.socket.path })
    return { files: printDocuments(documents), reference: printReference(documents) }
  }
}

/** This file runs as a source and, one folder deeper, as compiled output. */
function readPackage (): { name: string, version: string, license: string } {
  const files = ['../package.json', '../../package.json'].map(path => new URL(path, import.meta.url))
  return JSON.parse(readFileSync(files.find(file => existsSync(file))!, 'utf8'))
}

export default fp(docs, { name: 'docs', dependencies: ['config', 'validation'] })

/**
 * `npm run docs`: writes docs/openapi.json, docs/asyncapi.json and docs/schemas/ from the schemas of the routes and the events.
 * They are committed; test/docs/documents.test.ts fails when they are not what this would write.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import klatsch, { loadConfig } from '../app.ts'

const folder = fileURLToPath(new URL('../docs/', import.meta.url))

// Routes are described without a database: nobody listens on this port, and the boot goes on after some seconds.
const config = loadConfig({ DATABASE_URL: 'postgres://127.0.0.1:9/none', JWT_SECRET: 'x'.repeat(32), LOG_LEVEL: 'silent' })
const app = Fastify()
await app.register(fp(async function whole (app) { await klatsch(app, { config }) }))
await app.ready()
const { files } = app.docs()
await app.close()

rmSync(folder + 'schemas', { recursive: true, force: true })
mkdirSync(folder + 'schemas')
for (const [path, text] of files) writeFileSync(folder + path, text)
console.log(`${files.size} documents written to docs/`)

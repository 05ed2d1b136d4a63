import { Type, type TSchema } from '@sinclair/typebox'
import Fastify, { type RouteOptions } from 'fastify'
import t, { type Test } from 'tap'
import klatsch, { loadConfig } from '../../app.ts'
import { Env } from '../../schemas/config.ts'
import { AckOf } from '../../schemas/contract.ts'
import { errorCodes } from '../../schemas/errors.ts'
import { clientEvents, serverEvents } from '../../schemas/events.ts'
import { entities } from '../../schemas/index.ts'
import { SECRET } from '../support/build.ts'
import { createDatabase } from '../support/servers.ts'
import { blocks, documents, plain, read, section, sections, table } from './markdown.ts'
import { createValidators } from './validators.ts'

const PROTOCOL = read('docs/protocol.md')
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

interface Schema { querystring?: TSchema, body?: TSchema, response: Record<string, TSchema> }

/** The routes of the running app as OpenAPI writes them, without the twins that Fastify and CORS add. */
async function routesOf (t: Test): Promise<Map<string, Schema>> {
  const server = Fastify()
  t.teardown(() => server.close())
  const routes = new Map<string, Schema>()
  server.addHook('onRoute', (route: RouteOptions) => {
    const method = String(route.method)
    if (METHODS.includes(method)) routes.set(`${method} ${route.url.replace(/:(\w+)/g, '{$1}')}`, route.schema as Schema)
  })
  await server.register(klatsch, { config: loadConfig({ DATABASE_URL: await createDatabase(t), JWT_SECRET: SECRET, LOG_LEVEL: 'silent' }) })
  await server.ready()
  return routes
}

/** The entity that a schema refers to, or undefined if it is none. */
const entityOf = (schema: TSchema | undefined): string | undefined => (schema?.$ref as string | undefined)?.replace(/#$/, '')

const labelsOf = (text: string) => blocks(text).filter(({ language }) => language === 'json').map(({ label }) => label)

for (const [title, events] of Object.entries({ 'Events of the client': clientEvents, 'Events of the server': serverEvents })) {
  t.test(`${title}: each one is there, with examples of its payload and its ack, and no other`, async t => {
    const described = sections(section(PROTOCOL, title), 3)
    t.strictSame(described.map(one => one.title), Object.keys(events))
    for (const { title: name, text } of described) {
      const { payload, ack } = events[name as keyof typeof events] as { payload: TSchema, ack?: TSchema }
      const wanted = [payload.$id!, ...ack === undefined ? [] : [`Ack ${ack.$id!}`]]
      t.strictSame([...new Set(labelsOf(text))], wanted, name)
      t.equal(/^Errors: /m.test(text), ack !== undefined, `${name}: errors`)
    }
  })
}

t.test('REST: each route is there, with its statuses, its query and examples of its bodies, and no other', async t => {
  const routes = await routesOf(t)
  const described = sections(section(PROTOCOL, 'REST'), 3)
  t.strictSame(described.map(({ title }) => title).toSorted(), [...routes.keys()].toSorted())
  for (const { title, text } of described) {
    const { querystring, body, response } = routes.get(title)!
    const statuses = /^Statuses: (.*)$/m.exec(text)?.[1]?.split(', ')
    t.strictSame(statuses, Object.keys(response).toSorted(), `${title}: statuses`)

    const query = querystring === undefined ? [] : Object.keys(querystring.properties as object)
    const explained = text.includes('| query |') ? table(text).map(row => plain(row.query!)) : []
    t.strictSame(explained, query, `${title}: query`)

    const bodies = [entityOf(body), ...Object.entries(response).filter(([status]) => status < '300').map(([, schema]) => entityOf(schema))]
    const examples = new Set(bodies.filter(name => name !== undefined))
    const isTold = /Answers as above|as in the list/.test(text)
    t.strictSame([...new Set(labelsOf(text))], isTold ? [] : [...examples], `${title}: examples`)
  }
})

t.test('every JSON example has a name, and fits the schema of that name', async t => {
  const compile = createValidators()
  for (const path of documents) {
    for (const { language, label, code } of blocks(read(path))) {
      if (language !== 'json') continue
      const [, isAck, name] = /^(Ack )?(\w+)$/.exec(label) ?? []
      const entity = entities.find(({ $id }) => $id === name)
      t.ok(entity, `${path}: "${label}" is the name of an entity`)
      if (entity === undefined) continue
      const reference = Type.Unsafe({ $ref: `${entity.$id!}#` })
      const validate = compile(isAck === undefined ? reference : AckOf(reference))
      t.ok(validate(JSON.parse(code)), `${path}: ${label}`, { errors: validate.errors, code })
    }
  }
})

t.test('codes and variables in the documents are real ones', async t => {
  const known: readonly string[] = [...errorCodes, ...Object.keys(Env.properties)]
  for (const path of documents) {
    for (const [name] of read(path).matchAll(/\b(?:CHAT|TOPIC|SOCKET|PRESENCE|JWT|PG|REDIS)_[A-Z_]*[A-Z]\b/g)) t.ok(known.includes(name), `${path}: ${name}`)
  }
})

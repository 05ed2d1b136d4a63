/**
 * The packages that klatsch is built on, each with the one test that fails when it is no longer what does the work. Packages are
 * looked at through the running app: what it decorates, whose classes they are, what passes through them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import cors from '@fastify/cors'
import jwt from '@fastify/jwt'
import fastifyRedis from '@fastify/redis'
import { RedisAdapter, createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { Kind, type TSchema } from '@sinclair/typebox'
import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import t, { type Test } from 'tap'
import klatsch, { loadConfig } from '../app.ts'
import { Env } from '../schemas/config.ts'
import * as schemas from '../schemas/index.ts'
import { build, listen, SECRET } from './support/build.ts'
import { projectRoot } from './support/paths.ts'
import { createDatabase, startRedis } from './support/servers.ts'
import { ask, call, connect, guest, open, openCafe } from './support/sockets.ts'

const versionOf = (name: string) => (JSON.parse(readFileSync(join(projectRoot, 'node_modules', name, 'package.json'), 'utf8')) as { version: string }).version

/** Everything under a folder of the project, without the folder's own name. */
const list = (folder: string) => readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' }).sort()

/** Counts the calls of a method, which go through all the same. */
function count (owner: object, method: string) {
  const object = owner as Record<string, (...args: unknown[]) => unknown>
  const original = object[method]!
  const counter = { calls: 0, restore: () => { object[method] = original } }
  object[method] = function counted (this: unknown, ...args: unknown[]) {
    counter.calls++
    return original.apply(this, args)
  }
  return counter
}

t.setTimeout(60_000)

t.test('fastify: every route of the specification is one of its routes', async t => {
  const routes: RouteOptions[] = []
  const app = await observed(t, routes)
  t.match(versionOf('fastify'), /^5\./)
  t.equal(app.version, versionOf('fastify'), 'the server is that package')
  for (const [method, url] of [['GET', 'messages/:id'], ['DELETE', 'messages/:id'], ['GET', 'presence/:cafeId'], ['GET', 'topics/:cafeId']] as const) {
    t.ok(app.hasRoute({ method, url: `/api/chat/${url}` }), `${method} ${url}`)
    t.ok(routes.some(route => route.method === method && route.url === `/api/chat/${url}` && route.schema !== undefined), 'with a schema')
  }
})

t.test('fastify-socket.io: it makes fastify.io', async t => {
  const app = await build(t)
  t.ok(app.hasPlugin('fastify-socket.io'))
  t.equal((app.io as unknown as { httpServer: unknown }).httpServer, app.server, 'on the server that Fastify listens with')
  const closing = count(app.io, 'close')
  await app.close()
  t.equal(closing.calls, 2, 'it closes it as well, after our own orderly close')
})

t.test('socket.io: fastify.io is its Server, and stock clients talk to it', async t => {
  const app = await listen(t)
  t.ok(app.io instanceof Server)
  const socket = await connect(t, app, (await guest(app, 'ann')).token)
  t.equal(app.io.of('/').sockets.get(socket.id!)?.connected, true)
})

t.test('@socket.io/redis-adapter: it carries events between nodes once there is a REDIS_URL', async t => {
  const { url } = await startRedis(t)
  const local = await build(t)
  t.notOk(isFromRedisAdapter(local.io.of('/').adapter), 'one process needs none')
  const app = await build(t, { REDIS_URL: url })
  t.ok(isFromRedisAdapter(app.io.of('/').adapter))
})

/** Made by the classic or the sharded adapter of the package; the class of the latter is not exported. */
function isFromRedisAdapter (adapter: object): boolean {
  const deaf = { psubscribe () {}, subscribe () {}, ssubscribe () {}, on () {}, spublish () {}, publish () {} }
  const makers = [createAdapter(deaf, deaf), createShardedAdapter(deaf, deaf)]
  const namespace = { name: '/', server: { encoder: {} }, adapter: {} }
  const classes = [RedisAdapter, ...makers.map(make => make(namespace as never).constructor)]
  return classes.some(one => adapter.constructor === one || adapter instanceof one)
}

t.test('@fastify/jwt: tokens of both transports are signed and verified by fastify.jwt', async t => {
  const app = await listen(t)
  t.ok(app.hasPlugin('@fastify/jwt'))
  const [signed, verified] = [count(app.jwt, 'sign'), count(app.jwt, 'verify')]
  const ann = await guest(app, 'ann')
  t.equal(signed.calls, 1, 'a guest token')
  await call(app, 'GET', '/api/cafes', ann)
  t.equal(verified.calls, 1, 'REST')
  await connect(t, app, ann.token)
  t.equal(verified.calls, 2, 'socket')
  const foreign = app.jwt.sign({ sub: ann.user.id, username: 'ann' } as never)
  await connect(t, app, foreign)
  t.equal(verified.calls, 3)
})

t.test('@fastify/postgres: every query of the stores goes through fastify.pg.pool', async t => {
  const app = await listen(t)
  t.ok(app.hasPlugin('@fastify/postgres'))
  let queries = 0
  app.pg.pool.on('acquire', () => { queries++ })
  const asks = async (what: string, work: () => Promise<unknown>) => {
    queries = 0
    await work()
    t.ok(queries > 0, what)
  }
  const { durable } = app.stores
  const user = { id: '5c8fd5a5-9b0a-4f7e-8a3e-3a1c0b4c2f10', username: 'ann', role: 'member' as const }
  await asks('users', () => durable.users.upsert([user]))
  await asks('cafes', () => durable.cafes.create('Corner Table'))
  const [cafe] = await durable.cafes.list(1)
  const draft = { cafeId: cafe!.id, userId: user.id, username: 'ann', content: 'hello', hash: Buffer.alloc(32) }
  await asks('append', () => durable.log.append(draft))
  await asks('page', () => durable.log.page(cafe!.id, { limit: 1 }))
  await asks('heads', () => durable.log.heads([cafe!.id]))
  const page = await durable.log.page(cafe!.id, { limit: 1 })
  await asks('remove', () => durable.log.remove(page!.messages[0]!.id, { userId: user.id, anyone: false }))

  const { rows } = await app.pg.query<{ name: string, connections: number }>(`
    SELECT application_name AS name, count(*)::int AS connections FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1`)
  t.strictSame(rows, [{ name: 'klatsch', connections: app.pg.pool.totalCount }], 'nobody else is connected')
})

t.test('@fastify/redis: the connections that carry hot state are fastify.redis.*', async t => {
  const { url } = await startRedis(t)
  // plugins/redis.ts calls the package itself, without the wrapper that would leave its name with Fastify.
  const decorated = count(fastifyRedis, 'default')
  t.teardown(() => decorated.restore())
  const app = await listen(t, { REDIS_URL: url })
  const clients = app.redis as unknown as Record<string, Redis>
  t.strictSame(Object.keys(clients).sort(), ['data0', 'data1', 'data2', 'data3', 'data4', 'data5', 'data6', 'feed', 'publisher', 'subscriber'], 'ten connections, as specified')
  t.equal(decorated.calls, 10, 'each put there by the package')

  const ann = await guest(app, 'ann')
  const cafe = await openCafe(app, ann)
  const socket = await connect(t, app, ann.token)
  await ask(socket, 'join:cafe', { cafeId: cafe.id })

  const watcher = new Redis(url, { connectionName: 'watcher' })
  t.teardown(() => watcher.disconnect())
  t.equal(await watcher.sismember(`cafe:${cafe.id}:users`, ann.user.id), 1, 'hot state is there')
  const connected = String(await watcher.client('LIST')).trim().split('\n').map(line => Object.fromEntries(line.split(' ').map(pair => pair.split('='))) as Record<string, string>)
  const others = connected.filter(({ name }) => name !== 'watcher')
  const ids = await Promise.all(Object.values(clients).map(async client => String(await client.client('ID'))))
  t.strictSame(others.map(({ id }) => id).sort(), ids.sort(), 'by these connections and no other')
  t.ok(others.every(({ name }) => name!.startsWith('klatsch-')), 'each with a name that an operator knows')

  t.equal((await build(t)).redis, undefined, 'without REDIS_URL there is none')
})

t.test('@sinclair/typebox: every schema is made by it', async t => {
  const routes: RouteOptions[] = []
  await observed(t, routes)
  const parts = routes.flatMap(({ method, url, schema }) => {
    const { params, querystring, headers, body, response = {} } = (schema ?? {}) as Record<string, Record<string, unknown>>
    return Object.entries({ params, querystring, headers, body, ...response })
      .filter(([, part]) => part !== undefined)
      .flatMap(([name, part]) => schemasOf(part!).map(schema => [`${String(method)} ${url} ${name}`, schema] as const))
  })
  t.ok(parts.length > 40, 'of all routes')
  for (const [name, part] of parts) t.strictSame(foreign(part), [], name)

  const tables = { ...schemas.clientEvents, ...schemas.serverEvents }
  for (const [name, spec] of Object.entries(tables)) t.strictSame([...foreign(spec.payload), ...foreign('ack' in spec ? spec.ack : undefined)], [], name)
  for (const entity of schemas.entities) t.strictSame(foreign(entity), [], entity.$id!)
  t.strictSame(foreign(Env), [], 'the environment')
})

/** A response of another type than JSON says so, and has its schema one level below. */
function schemasOf (part: Record<string, unknown>): unknown[] {
  if (!('content' in part)) return [part]
  return Object.values(part.content as Record<string, { schema: unknown }>).map(({ schema }) => schema)
}

/** Paths of the schemas in this one that TypeBox did not make. */
function foreign (schema: unknown, path = '#'): string[] {
  if (schema === undefined) return []
  const { [Kind]: kind, properties = {}, patternProperties = {}, items, anyOf = [], allOf = [], additionalProperties } = schema as TSchema
  if (kind === undefined) return [path]
  const children = { ...properties, ...patternProperties, items, ...anyOf, ...allOf, additionalProperties } as Record<string, unknown>
  return Object.entries(children).filter(([, child]) => typeof child === 'object').flatMap(([name, child]) => foreign(child, `${path}/${name}`))
}

t.test('tap: every test is its test', async t => {
  const tests = list('test').filter(file => file.endsWith('.test.ts'))
  t.ok(tests.length > 20)
  for (const file of tests) t.match(readFileSync(join(projectRoot, 'test', file), 'utf8'), /^import t(, \{[^}]*\})? from 'tap'$/m, file)
  const { devDependencies, scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Record<string, Record<string, string>>
  t.equal(devDependencies!.tap, versionOf('tap'))
  t.match(scripts!.test, /&& c8 node build\/test\/main\.js$/)
  t.match(readFileSync(join(projectRoot, 'test/main.ts'), 'utf8'), /^ {2}t\.spawn\(/m, 'tap runs them')
})

/** The whole app, with the options of its routes. */
async function observed (t: Test, routes: RouteOptions[]): Promise<FastifyInstance> {
  const config = loadConfig({ DATABASE_URL: await createDatabase(t), JWT_SECRET: SECRET })
  const app = Fastify()
  t.teardown(() => app.close())
  app.addHook('onRoute', route => { routes.push(route) })
  await app.register(fp(async function whole (fastify: FastifyInstance) { await klatsch(fastify, { config }) }))
  await app.ready()
  return app
}

t.test('the shape: what stands where', async t => {
  t.strictSame(readdirSync(projectRoot).filter(file => file.endsWith('.ts')), ['app.ts', 'server.ts'], 'the plugin and the process, nothing else at the top')
  for (const folder of ['schemas', 'documents', 'plugins', 'routes/rest', 'routes/socket', 'services', 'stores/postgres', 'stores/memory', 'stores/redis', 'sql', 'docs']) t.ok(existsSync(join(projectRoot, folder)), folder)
  const app = readFileSync(join(projectRoot, 'app.ts'), 'utf8')
  for (const plugin of list('plugins')) t.match(app, `'./plugins/${plugin}'`, 'registered by hand in app.ts')
  const { exports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { exports: Record<string, { default: string }> }
  t.equal(exports['.']?.default, './build/app.js', 'others import the plugin, not the process')
})

t.test('a host server: klatsch moves in under a prefix and leaves the rest of the house alone', async t => {
  const { host, config } = await startHost(t)
  await host.register(klatsch, { prefix: '/talk', config })
  const app = { url: await host.listen({ host: '127.0.0.1', port: 0 }) }
  const ann = await call<schemas.Session>(app, 'POST', '/talk/api/auth/guest', { body: { username: 'ann' } })
  const cafe = await call<schemas.Cafe>(app, 'POST', '/talk/api/cafes', { token: ann.token, body: { name: 'Corner Table' } })

  await t.test('REST has moved, and keeps its ways', async t => {
    t.equal((await host.inject('/talk/health/ready')).statusCode, 200)
    t.match((await host.inject('/talk')).json(), { name: 'klatsch', links: { guest: '/talk/api/auth/guest', socket: '/talk-sockets' } })
    const refused = await host.inject({ url: `/talk/api/chat/messages/${cafe.id}` })
    t.match({ status: refused.statusCode, body: refused.json() }, { status: 401, body: { code: 'CHAT_UNAUTHENTICATED' } })
    const wrong = await host.inject({ method: 'POST', url: '/talk/api/cafes', headers: { authorization: `Bearer ${ann.token}` }, payload: { name: 5 } })
    t.match({ status: wrong.statusCode, body: wrong.json() }, { status: 400, body: { code: 'CHAT_VALIDATION', details: [{ field: 'name', rule: 'type' }] } })
  })

  await t.test('the path of the socket is an option', async t => {
    const socket = await connect(t, app, ann.token, { path: '/talk-sockets' })
    t.equal((await ask(socket, 'join:cafe', { cafeId: cafe.id })).userCount, 1)
    const elsewhere = open(t, app, ann.token, { path: '/socket.io' })
    await t.rejects(new Promise((_resolve, reject) => { elsewhere.once('connect_error', reject) }))
  })

  await t.test("the host's own routes behave as before", async t => {
    t.match(await answerOf('/nowhere'), { status: 404, body: { host: 'knows no /nowhere' } }, '404')
    t.match(await answerOf('/broken'), { status: 500, body: { host: 'is sorry: broken' } }, 'errors')
    t.match(await answerOf('/greeting', { method: 'POST', payload: { name: 5, extra: true } }), { status: 200, body: { name: '5' } }, 'Fastify coerces and strips where klatsch would not')
    t.match(await answerOf('/form', { method: 'POST', payload: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), { status: 200, body: { form: 'a=1' } }, 'its parsers')
    const response = await host.inject({ url: '/mine', headers: { origin: 'https://host.example' } })
    t.equal(response.headers['access-control-allow-origin'], 'https://host.example', 'CORS')
  })

  await t.test("the host's tokens and klatsch's are two things", async t => {
    const hosts = host.jwt.sign({ sub: ann.user.id, username: 'ann' })
    t.match(await answerOf('/mine', { headers: { authorization: `Bearer ${hosts}` } }), { status: 200, body: { username: 'ann' } })
    t.match(await answerOf('/mine', { headers: { authorization: `Bearer ${ann.token}` } }), { status: 401 })
    t.match(await answerOf('/talk/api/cafes', { headers: { authorization: `Bearer ${hosts}` } }), { status: 401, body: { code: 'CHAT_UNAUTHENTICATED' } })
    t.match(await answerOf('/talk/api/cafes', { headers: { authorization: `Bearer ${ann.token}` } }), { status: 200 })
  })

  async function answerOf (path: string, options: object = {}) {
    const response = await host.inject({ url: path, ...options })
    return { status: response.statusCode, body: response.json() as unknown }
  }
})

t.test('a second registration on one server fails its boot', async t => {
  const { host, config } = await startHost(t)
  await host.register(klatsch, { prefix: '/talk', config })
  await t.rejects(async () => {
    await host.register(klatsch, { prefix: '/more', config: { ...config, socket: { ...config.socket, path: '/more-sockets' } } })
    await host.ready()
  }, { message: /registered on this server already/ })
})

/** A server with ways of its own: what it answers to unknown paths and failures, its tokens, its CORS, its parsers. */
async function startHost (t: Test) {
  const config = loadConfig({ DATABASE_URL: await createDatabase(t), JWT_SECRET: SECRET, SOCKET_PATH: '/talk-sockets' })
  const host = Fastify({ forceCloseConnections: true })
  t.teardown(() => host.close())
  await host.register(cors, { origin: 'https://host.example' })
  await host.register(jwt, { secret: "the host's own secret, which is another one" })
  host.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, async (_request: unknown, body: unknown) => body)
  host.setNotFoundHandler(async (request, reply) => reply.code(404).send({ host: `knows no ${request.url}` }))
  host.setErrorHandler(async (error: Error & { statusCode?: number }, _request, reply) => reply.code(error.statusCode ?? 500).send({ host: `is sorry: ${error.message}` }))
  host.get('/broken', async () => { throw new Error('broken') })
  host.post('/form', async request => ({ form: request.body }))
  host.post('/greeting', { schema: { body: { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false } } }, async request => request.body)
  host.get('/mine', { onRequest: async request => { await request.jwtVerify() } }, async request => request.user)
  return { host, config }
}

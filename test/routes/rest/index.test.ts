import Fastify, { type FastifyInstance, type RouteOptions } from 'fastify'
import t from 'tap'
import klatsch, { loadConfig } from '../../../app.ts'
import { SECRET } from '../../support/build.ts'
import { createDatabase } from '../../support/servers.ts'
import { enter, open, unknownId } from './client.ts'

interface Schema { summary?: string, tags?: string[], response: Record<string, { $ref?: string }> }

/** The app inside a host server that notes its routes and every status that one of them answers with. */
async function host (t: Parameters<typeof createDatabase>[0]) {
  const server = Fastify()
  t.teardown(() => server.close())
  const routes: RouteOptions[] = []
  const answered: Array<{ route: string, status: number, declared: boolean }> = []
  server.addHook('onRoute', route => {
    if (route.method !== 'HEAD' && route.url.startsWith('/chat')) routes.push(route)
  })
  server.addHook('onSend', async (request, reply) => {
    const { method, url, schema } = request.routeOptions
    if (url === undefined) return
    const { response } = schema as Schema
    answered.push({ route: `${method} ${url}`, status: reply.statusCode, declared: String(reply.statusCode) in response })
  })
  const config = loadConfig({ DATABASE_URL: await createDatabase(t), JWT_SECRET: SECRET })
  // The scope that has the decorators.
  let app!: FastifyInstance
  await server.register(async function chat (scope) {
    await klatsch(scope, { config })
    app = scope as FastifyInstance
  }, { prefix: '/chat' })
  await server.ready()
  await app.startup
  return { server, app, routes, answered }
}

const wanted = [
  'DELETE /chat/api/chat/messages/:id',
  'GET /chat/',
  'GET /chat/api/cafes',
  'GET /chat/api/cafes/:id',
  'GET /chat/api/chat/messages/:id',
  'GET /chat/api/chat/presence', 'GET /chat/api/chat/presence/:cafeId',
  'GET /chat/api/chat/topics/:cafeId',
  'GET /chat/docs',
  'GET /chat/docs/asyncapi.json',
  'GET /chat/docs/openapi.json',
  'GET /chat/docs/reference.css',
  'GET /chat/docs/schemas/:file',
  'GET /chat/health/live',
  'GET /chat/health/ready',
  'GET /chat/metrics',
  'PATCH /chat/api/chat/messages/:id',
  'POST /chat/api/auth/guest',
  'POST /chat/api/auth/link',
  'POST /chat/api/auth/refresh',
  'POST /chat/api/auth/revocations',
  'POST /chat/api/cafes',
  'POST /chat/api/chat/messages/:id'
]

const open_ = ['GET /chat/', ...wanted.filter(name => name.includes('/docs')), 'GET /chat/health/live', 'GET /chat/health/ready', 'GET /chat/metrics', 'POST /chat/api/auth/guest']

t.test('every route is there below the prefix, says what it is for and how it may answer', async t => {
  const { routes } = await host(t)
  const names = routes.map(route => `${String(route.method)} ${route.url}`).filter(name => name !== 'GET /chat' && !name.startsWith('OPTIONS'))
  t.strictSame(names.toSorted(), wanted)

  for (const route of routes.filter(route => String(route.method) !== 'OPTIONS')) {
    const name = `${String(route.method)} ${route.url}`
    const { summary, tags, response } = route.schema as Schema
    t.ok(summary !== undefined && tags?.length === 1, name)
    t.equal('500' in response, name.includes('/api/'), `${name} may fail, or has nothing that could`)
    for (const [status, schema] of Object.entries(response)) {
      if (Number(status) < 400 || name.endsWith('/health/ready')) continue
      t.equal(schema.$ref, 'ErrorBody#', `${name} ${status}`)
    }
    t.equal('401' in response, !open_.includes(name) && name !== 'GET /chat', `${name}: a token is needed, or not`)
  }
})

t.test('no answer has a status that its route does not declare', async t => {
  const { app, answered } = await host(t)
  const ann = await enter(app, 'ann')
  const bob = await enter(app, 'bob')
  const cafe = await open(app)
  const text = { 'content-type': 'text/plain' }
  const big = { content: 'x'.repeat(70_000) }
  const post = (url: string, payload?: unknown, headers: Record<string, string> = {}) => app.inject({ method: 'POST', url, headers, ...(payload !== undefined && { payload: payload as object }) })
  const mine = (await ann.post(`/chat/api/chat/messages/${cafe.id}`, { content: 'Hello', clientId: 'one' })).json<{ message: { id: string } }>().message.id

  for (const url of ['/chat', '/chat/', '/chat/docs', '/chat/docs/reference.css', '/chat/docs/openapi.json', '/chat/docs/asyncapi.json', '/chat/docs/schemas/Message.json', '/chat/docs/schemas/None.json', '/chat/docs/schemas/x', '/chat/health/live', '/chat/health/ready', '/chat/metrics']) await ann.get(url)
  for (const body of [undefined, {}, { username: 5 }, big]) await post('/chat/api/auth/guest', body)
  await post('/chat/api/auth/guest', 'x', text)
  for (const url of ['/chat/api/auth/refresh', '/chat/api/auth/link', '/chat/api/auth/revocations', '/chat/api/cafes', `/chat/api/chat/messages/${cafe.id}`]) {
    await post(url)
    await ann.post(url)
    await ann.post(url, {})
    await ann.post(url, big)
    await ann.post(url, '{', { 'content-type': 'application/json' })
    await ann.post(url, 'x', text)
    await ann.post(url, 'x', { 'content-type': 'application/json', 'content-length': '9' })
  }
  await ann.post('/chat/api/cafes', { name: 'Other' })
  for (const content of ['Hello', 'Other', '']) await ann.post(`/chat/api/chat/messages/${cafe.id}`, { content, clientId: 'one' })
  for (const content of ['Again', 'Again']) await ann.post(`/chat/api/chat/messages/${cafe.id}`, { content })
  await ann.post(`/chat/api/chat/messages/${unknownId}`, { content: 'Hello there' })
  for (const noun of ['api/cafes', 'api/chat/messages', 'api/chat/presence', 'api/chat/topics']) {
    for (const id of [cafe.id, unknownId, 'x', `${cafe.id}?limit=0`, `${cafe.id}?before=1&after=1`]) {
      await ann.get(`/chat/${noun}/${id}`)
      await ann.get(`/chat/${noun}/${id}`, { 'if-none-match': '*' })
      await app.inject(`/chat/${noun}/${id}`)
    }
  }
  for (const query of ['', '?limit=0', '?cursor=x']) await ann.get(`/chat/api/cafes${query}`)
  const remove = (id: string, options: object = {}) => app.inject({ method: 'DELETE', url: `/chat/api/chat/messages/${id}`, ...options })
  const headers = { authorization: `Bearer ${ann.token}` }
  await remove(mine)
  await bob.remove(`/chat/api/chat/messages/${mine}`)
  for (const id of ['x', unknownId]) await remove(id, { headers })
  await remove(mine, { headers: { ...headers, ...text }, payload: 'x' })
  await remove(mine, { headers: { ...headers, 'content-type': 'application/json' }, payload: '{' })
  await remove(mine, { headers, payload: big })
  await remove(mine, { headers })

  t.strictSame(answered.filter(answer => !answer.declared), [])
  t.strictSame(answered.filter(answer => answer.status === 500), [])
  const seen = (route: string) => [...new Set(answered.filter(answer => answer.route === route).map(answer => answer.status))].toSorted()
  t.strictSame(seen('POST /chat/api/chat/messages/:id'), [200, 201, 400, 401, 404, 409, 413, 415, 429])
  t.strictSame(seen('DELETE /chat/api/chat/messages/:id'), [200, 400, 401, 403, 404, 413, 415])
  t.strictSame(seen('GET /chat/api/chat/messages/:id'), [200, 304, 400, 401, 404])
  t.strictSame(seen('POST /chat/api/auth/guest'), [201, 400, 413, 415])
  t.strictSame(seen('POST /chat/api/auth/refresh'), [200, 400, 401, 413, 415])
})

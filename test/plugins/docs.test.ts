import swagger from '@fastify/swagger'
import Fastify from 'fastify'
import { parseHTML } from 'linkedom'
import t from 'tap'
import klatsch from '../../app.ts'
import { build } from '../support/build.ts'
import { host } from './host.ts'

interface OpenApi { servers: Array<{ url: string }>, paths: Record<string, object>, components: { schemas: Record<string, unknown> } }

t.test('below a prefix the documents move along, and say where they are', async t => {
  const { server, config } = await host(t, { SOCKET_PATH: '/ws' })
  await server.register(async function chat (app) { await klatsch(app, { config }) }, { prefix: '/chat' })
  await server.ready()
  const openapi = (await server.inject('/chat/docs/openapi.json')).json<OpenApi>()
  t.equal(openapi.servers[0]!.url, '/chat')
  t.ok('/api/cafes' in openapi.paths, 'paths are below it')
  t.notOk(Object.keys(openapi.paths).some(path => path.startsWith('/chat')))
  t.equal((await server.inject('/chat/docs/asyncapi.json')).json<{ servers: { node: { pathname: string } } }>().servers.node.pathname, '/ws/')
  t.equal((await server.inject('/docs')).statusCode, 404, 'outside there is none')

  const page = (await server.inject('/chat/docs')).body
  const { document } = parseHTML(page)
  for (const link of document.querySelectorAll('a[href], link[href]')) {
    const { pathname } = new URL(link.getAttribute('href')!, 'http://localhost/chat/docs')
    t.equal((await server.inject(pathname)).statusCode, 200, pathname)
  }
})

t.test('a host with an OpenAPI document of its own keeps it, and klatsch has one beside it', async t => {
  const { server, config } = await host(t)
  await server.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'the host', version: '7.0.0' } } })
  server.addSchema({ $id: 'Theirs', type: 'object', properties: { own: { type: 'string' } } })
  await server.register(async function own (app) {
    app.get('/own', { schema: { tags: ['own'], response: { 200: { type: 'string' } } } }, async () => 'own')
  })
  await server.register(async function chat (app) { await klatsch(app, { config }) }, { prefix: '/chat' })
  await server.ready()

  const theirs = server.swagger() as unknown as OpenApi & { info: { title: string } }
  t.equal(theirs.info.title, 'the host')
  t.ok('/own' in theirs.paths && '/chat/api/cafes' in theirs.paths, 'with our routes among theirs')

  const ours = (await server.inject('/chat/docs/openapi.json')).json<OpenApi>()
  t.notOk('/own' in ours.paths)
  const alone = await build(t)
  t.strictSame({ ...ours, servers: [] }, { ...(await alone.inject('/docs/openapi.json')).json<OpenApi>(), servers: [] }, 'the same as without them')
})

t.test('routes of others on the same server are no routes of klatsch', async t => {
  const { config } = await host(t)
  const server = Fastify({ forceCloseConnections: true })
  t.teardown(() => server.close())
  await klatsch(server, { config })
  server.get('/other', async () => 'other')
  await server.ready()
  const { paths } = (await server.inject('/docs/openapi.json')).json<OpenApi>()
  t.ok('/' in paths)
  t.notOk('/other' in paths)
})

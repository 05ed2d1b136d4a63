import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import klatsch, { loadConfig } from '../../../app.ts'
import type { Index } from '../../../schemas/health.ts'
import { build, SECRET } from '../../support/build.ts'
import { projectRoot } from '../../support/paths.ts'
import { createDatabase } from '../../support/servers.ts'

const { name, version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Index

t.test('GET /: where things are', async t => {
  const app = await build(t, { SOCKET_PATH: '/ws' })
  const response = await app.inject('/')
  t.equal(response.statusCode, 200)
  t.strictSame(response.json(), {
    name,
    version,
    links: {
      guest: '/api/auth/guest',
      cafes: '/api/cafes',
      socket: '/ws',
      docs: '/docs',
      live: '/health/live',
      ready: '/health/ready',
      metrics: '/metrics'
    }
  })
})

t.test('below a prefix the links move along, but for the socket', async t => {
  const host = Fastify()
  t.teardown(() => host.close())
  host.get('/', async () => 'the host')
  const config = loadConfig({ DATABASE_URL: await createDatabase(t), JWT_SECRET: SECRET })
  await host.register(async function chat (app) { await klatsch(app, { config }) }, { prefix: '/chat' })
  await host.ready()

  t.equal((await host.inject('/')).body, 'the host')
  const { links } = (await host.inject('/chat')).json<Index>()
  t.strictSame((await host.inject('/chat/')).json<Index>().links, links)
  const { socket, guest, ...others } = links
  t.equal(socket, '/socket.io')
  t.equal((await host.inject({ method: 'POST', url: guest! })).statusCode, 201)
  for (const [name, url] of Object.entries(others)) {
    t.match(url, /^\/chat\//)
    t.not((await host.inject(url)).statusCode, 404, name)
  }
})

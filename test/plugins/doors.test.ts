import { request } from 'node:http'
import { connect as dial } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { listen } from '../support/build.ts'
import { connect, guest } from '../support/sockets.ts'
import type { Node } from '../routes/socket/cast.ts'
import { host, listenOn } from './host.ts'
import helmet from '@fastify/helmet'
import klatsch from '../../app.ts'

const app = await listen(t, { CORS_ORIGIN: 'https://cafe.example,http://localhost:5173', TRUST_PROXY: '127.0.0.1,10.0.0.0/8' })
const far = await listen(t, { DATABASE_URL: app.databaseUrl, TRUST_PROXY: '10.0.0.0/8' })
const hostOf = (node: Node) => `127.0.0.1:${(node.server.address() as AddressInfo).port}`

const evil = ['https://evil.example', 'null', 'https://cafe.example.evil.example', 'https://cafe.example:8443', 'http://cafe.example', 'https://CAFE.example', 'file://', 'localhost:5173', 'http://localhost:5173/', 'x'.repeat(5000)]

/** The status of a handshake that begins with a WebSocket. */
function upgrade (node: Node, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const handshake = request({
      host: '127.0.0.1',
      port: (node.server.address() as AddressInfo).port,
      path: '/socket.io/?EIO=4&transport=websocket',
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers }
    })
    handshake.on('response', response => { resolve(response.statusCode!) })
    handshake.on('upgrade', (_response, socket) => {
      socket.destroy()
      resolve(101)
    })
    handshake.on('error', reject).end()
  })
}

const poll = async (node: Node, headers: Record<string, string>) => (await fetch(`${node.url}/socket.io/?EIO=4&transport=polling`, { headers })).status

t.test('one list of origins: a handshake from another is 403, whether it polls or begins with a WebSocket', async t => {
  for (const origin of evil) {
    t.equal(await upgrade(app, { origin }), 403, `WebSocket from ${origin.slice(0, 40)}`)
    if (origin !== 'x'.repeat(5000)) t.equal(await poll(app, { origin }), 403, `polling from ${origin}`)
    const { headers } = await app.inject({ method: 'OPTIONS', url: '/api/cafes', headers: { origin, 'access-control-request-method': 'POST' } })
    t.equal(headers['access-control-allow-origin'], undefined, `REST from ${origin.slice(0, 40)}`)
  }
  for (const origin of ['https://cafe.example', 'http://localhost:5173', `http://${hostOf(app)}`]) {
    t.equal(await upgrade(app, { origin }), 101, origin)
    t.equal(await poll(app, { origin }), 200, origin)
  }
  t.equal(await upgrade(app, {}), 101, 'native clients send none')
  t.equal((await app.inject({ url: '/health/live', headers: { origin: 'https://cafe.example' } })).headers['access-control-allow-origin'], 'https://cafe.example')
  t.equal(app.io.engine.clientsCount <= 8, true, 'who was refused is not there')
  t.match(await app.metrics.registry.getSingleMetricAsString('chat_refusals_total'), /CHAT_FORBIDDEN"\} [1-9]/)
})

t.test('the own origin behind a proxy is what the proxy was asked for, if it is one of ours', async t => {
  const headers = { origin: 'https://talk.example', 'x-forwarded-host': 'talk.example' }
  t.equal(await upgrade(app, headers), 101)
  t.equal(await upgrade(far, headers), 403, 'written by somebody whom nobody trusts')
  t.equal(await upgrade(app, { ...headers, 'x-forwarded-host': 'talk.example, evil.example' }), 403, 'the last one is what the proxy wrote')
})

t.test('whom a socket comes from: what trusted proxies wrote, from the last one on', async t => {
  const ann = await guest(app, 'ann')
  const seen = async (node: Node, forwarded?: string) => {
    const socket = await connect(t, node, ann.token, { transports: ['websocket'], ...(forwarded !== undefined && { extraHeaders: { 'x-forwarded-for': forwarded } }) })
    return node.addressOf(node.io.of('/').sockets.get(socket.id!)!.request)
  }
  t.equal(await seen(app), '127.0.0.1')
  t.equal(await seen(app, '203.0.113.7'), '203.0.113.7')
  t.equal(await seen(app, '198.51.100.1, 203.0.113.7'), '203.0.113.7', 'what the client wrote before it counts for nothing')
  t.equal(await seen(app, '203.0.113.7, 10.1.2.3'), '203.0.113.7', 'through two of ours')
  t.equal(await seen(app, '203.0.113.7, 192.0.2.1'), '192.0.2.1', 'a proxy that is none of ours')
  t.equal(await seen(far, '203.0.113.7'), '127.0.0.1', 'the peer is none of ours')
})

t.test('answers that no browser is to show, run or frame', async t => {
  const wanted = {
    'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-resource-policy': 'same-origin',
    'strict-transport-security': 'max-age=31536000'
  }
  for (const url of ['/', '/api/cafes', '/health/live', '/metrics', '/docs/openapi.json']) t.match((await app.inject(url)).headers, wanted, url)
  const { headers } = await app.inject('/docs')
  t.match(headers, { ...wanted, 'content-security-policy': /style-src 'self'/ }, 'a page has a policy of its own')
  t.notOk('x-powered-by' in headers || 'server' in headers)
  t.equal((await fetch(`${app.url}/socket.io/?EIO=4&transport=polling`)).headers.get('x-content-type-options'), 'nosniff')
})

t.test('a host server that has helmet decides for our routes too', async t => {
  const { server, config } = await host(t)
  await server.register(helmet, { contentSecurityPolicy: false, frameguard: { action: 'sameorigin' } })
  await server.register(klatsch, { config, prefix: '/chat' })
  const url = await listenOn(server)
  const { headers } = await fetch(`${url}/chat/health/live`)
  t.strictSame([headers.get('x-frame-options'), headers.get('content-security-policy')], ['SAMEORIGIN', null])
})

t.test('a handshake that is cut off in the middle does no harm', async t => {
  for (let n = 0; n < 20; n++) {
    const socket = dial((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\norigin: https://evil.example\r\n\r\n')
    socket.destroy()
  }
  t.equal(await poll(app, {}), 200)
})

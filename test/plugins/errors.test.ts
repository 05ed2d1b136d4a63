import { connect } from 'node:net'
import { Writable } from 'node:stream'
import Fastify, { errorCodes as fastifyErrors, type FastifyInstance, type FastifyServerOptions } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import errors, { clientError, frameworkErrors, notFound, toChatError } from '../../plugins/errors.ts'
import metrics from '../../plugins/metrics.ts'
import validation from '../../plugins/validation.ts'
import { Ref } from '../../schemas/common.ts'
import { ErrorBody, errorCodes } from '../../schemas/errors.ts'
import { SendBody } from '../../schemas/messages.ts'
import { refuse, statusOf } from '../../services/errors.ts'

interface Line { level: number, code?: string, reqId?: string, msg: string, err?: Record<string, unknown>, details?: unknown }

/** A server whose route `/throw` throws what the test says, and everything that it logged. */
async function boot (t: Test, thrown?: unknown, options: FastifyServerOptions = {}) {
  const lines: Line[] = []
  const stream = new Writable({
    write (chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    }
  })
  const app: FastifyInstance = Fastify({ logger: { level: 'debug', stream }, ...options } as FastifyServerOptions)
  t.teardown(() => app.close())
  await app.register(fp(async function law (app: FastifyInstance) {
    await app.register(config, { config: loadConfig({ SOCKET_MAX_PAYLOAD: '1024' }) })
    await app.register(validation)
    await app.register(metrics)
    await app.register(errors)
  }))
  app.get('/throw', { schema: { response: { '4xx': Ref(ErrorBody), '5xx': Ref(ErrorBody) } } }, async () => { throw thrown })
  app.post('/send', { schema: { body: Ref(SendBody) } }, async () => ({}))
  app.setNotFoundHandler(notFound)
  await app.ready()
  const own = () => lines.filter(line => line.code !== undefined)
  return { app, own, all: () => JSON.stringify(lines) }
}

t.test('every code of the registry is answered with its status and its body, nothing else', async t => {
  for (const code of errorCodes) {
    const { app } = await boot(t, refuse(code, { cause: new Error('secret of the driver') }))
    const response = await app.inject('/throw')
    t.equal(response.statusCode, statusOf(code), code)
    t.strictSame(Object.keys(response.json()), ['code', 'message'], code)
    t.equal(response.json<ErrorBody>().code, code)
    t.notMatch(response.body, 'secret')
  }
})

t.test('retryAfterMs is in the body, and in the header in whole seconds, rounded up', async t => {
  for (const [retryAfterMs, header] of [[1, '1'], [1000, '1'], [1001, '2'], [0, '0']] as const) {
    const { app } = await boot(t, refuse('CHAT_RATE_LIMITED', { retryAfterMs }))
    const response = await app.inject('/throw')
    t.equal(response.headers['retry-after'], header)
    t.equal(response.json<ErrorBody>().retryAfterMs, retryAfterMs)
  }
  const { app } = await boot(t, refuse('CHAT_REPEATED'))
  t.notOk('retry-after' in (await app.inject('/throw')).headers)
})

t.test('401 says which scheme is wanted', async t => {
  const { app } = await boot(t, refuse('CHAT_UNAUTHENTICATED'))
  t.equal((await app.inject('/throw')).headers['www-authenticate'], 'Bearer')
})

t.test("Fastify's own refusals", async t => {
  const { app, own } = await boot(t, undefined, { frameworkErrors } as FastifyServerOptions)
  const post = (payload: string, headers: Record<string, string>) => app.inject({ method: 'POST', url: '/send', payload, headers })
  const json = { 'content-type': 'application/json' }

  const wanted: Array<[string, Awaited<ReturnType<typeof post>>, number, object]> = [
    ['schema', await post('{}', json), 400, { code: 'CHAT_VALIDATION', details: [{ field: 'content', rule: 'required' }] }],
    ['malformed', await post('{"content":', json), 400, { code: 'CHAT_VALIDATION', message: 'The body is not valid JSON' }],
    ['empty', await post('', json), 400, { code: 'CHAT_VALIDATION', message: 'The body is empty' }],
    ['prototype', await post('{"__proto__":{}}', json), 400, { code: 'CHAT_VALIDATION' }],
    ['too large', await post(`{"content":"${'x'.repeat(2000)}"}`, json), 413, { code: 'CHAT_PAYLOAD_TOO_LARGE' }],
    ['media type', await post('hi', { 'content-type': 'text/plain' }), 415, { code: 'CHAT_VALIDATION', details: [{ field: 'content-type', rule: 'contentMediaType' }] }],
    ['length', await post('{"content":"x"}', { ...json, 'content-length': '3' }), 400, { code: 'CHAT_VALIDATION' }],
    ['no route', await app.inject('/nowhere?token=abc'), 404, { code: 'CHAT_ROUTE_NOT_FOUND' }],
    ['no method', await app.inject({ method: 'PUT', url: '/send' }), 404, { code: 'CHAT_ROUTE_NOT_FOUND' }],
    ['bad URL', await app.inject('/throw/%zz'), 400, { code: 'CHAT_VALIDATION', message: 'The URL is malformed' }]
  ]
  for (const [name, response, status, body] of wanted) {
    t.equal(response.statusCode, status, name)
    t.match(response.json(), body, name)
    t.match(response.headers['content-type'], /^application\/json/, name)
    t.notMatch(response.body, /FST_|statusCode|stack/, name)
  }
  t.ok(own().every(line => line.level === 20), 'logged for those who debug')
})

t.test('a parameter that is longer than the router takes is a malformed URL', async t => {
  const { app } = await boot(t, undefined, { frameworkErrors, routerOptions: { maxParamLength: 50 } } as FastifyServerOptions)
  const response = await app.inject(`/${'x'.repeat(60)}`)
  t.match(response.json(), { code: 'CHAT_ROUTE_NOT_FOUND' }, 'no such route has parameters')
  t.equal(toChatError(new fastifyErrors.FST_ERR_MAX_PARAM_LENGTH('x')).code, 'CHAT_VALIDATION')
})

t.test('QUERY, which Fastify looks at before it looks for a route, is a method like the others that no route has', async t => {
  t.equal(toChatError(Object.assign(new Error('x'), { code: 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE', statusCode: 400 })).code, 'CHAT_ROUTE_NOT_FOUND')
})

t.test('whatever else is thrown is ours: 500, logged once with its cause, never shown', async t => {
  const cause = Object.assign(new Error('relation "messages" does not exist'), { code: '42P01', detail: 'Failing row contains (my love letter)', query: 'SELECT 1' })
  const { app, own, all } = await boot(t, cause)
  const response = await app.inject('/throw')
  t.equal(response.statusCode, 500)
  t.strictSame(response.json(), { code: 'CHAT_INTERNAL', message: 'Something went wrong here' })

  t.equal(own().length, 1)
  const [line] = own()
  t.match(line, { level: 50, code: 'CHAT_INTERNAL', err: { name: 'Error', code: '42P01', message: /relation/, stack: /errors\.test/ } })
  t.type(line?.reqId, 'string', 'with the id of its request')
  t.notMatch(all(), 'love letter', 'what people wrote is not logged')

  for (const thrown of [undefined, null, 'text', 5, { statusCode: 'x' }, { code: 'toString' }, new TypeError('x')]) {
    const { app, own } = await boot(t, thrown)
    t.equal((await app.inject('/throw')).statusCode, 500, String(thrown))
    t.equal(own()[0]?.level, 50)
  }
})

t.test('what a client may not send is not logged either', async t => {
  const { app, all } = await boot(t)
  await app.inject({ method: 'POST', url: '/send', payload: '{"content": my love letter', headers: { 'content-type': 'application/json' } })
  await app.inject({ method: 'POST', url: '/send', payload: { content: ['my love letter'] } })
  t.notMatch(all(), 'love letter')
})

t.test('503 is logged as a warning, with what lies behind it', async t => {
  const { app, own } = await boot(t, refuse('CHAT_UNAVAILABLE', { cause: new Error('connect ECONNREFUSED') }))
  await app.inject('/throw')
  t.match(own(), [{ level: 40, code: 'CHAT_UNAVAILABLE', err: { message: 'connect ECONNREFUSED' } }])
})

t.test('refusals are counted by code', async t => {
  const { app } = await boot(t, refuse('CHAT_REPEATED'))
  await app.inject('/throw')
  await app.inject('/throw')
  t.match(await app.metrics.registry.getSingleMetricAsString('chat_refusals_total'), 'chat_refusals_total{code="CHAT_REPEATED"} 2')
})

t.test('toChatError: statuses that others chose keep their meaning', async t => {
  const code = (error: unknown) => toChatError(error).code
  const status = (statusCode: number) => code(Object.assign(new Error('x'), { statusCode }))
  t.equal(status(401), 'CHAT_UNAUTHENTICATED')
  t.equal(status(403), 'CHAT_FORBIDDEN')
  t.equal(status(404), 'CHAT_ROUTE_NOT_FOUND')
  t.equal(status(418), 'CHAT_VALIDATION')
  t.equal(status(429), 'CHAT_RATE_LIMITED')
  t.equal(status(500), 'CHAT_INTERNAL')
  t.equal(status(502), 'CHAT_INTERNAL')
  t.equal(status(503), 'CHAT_UNAVAILABLE')
  t.equal(status(200), 'CHAT_INTERNAL')
  t.equal(status(NaN), 'CHAT_INTERNAL')

  t.equal(code(Object.assign(new Error('x'), { code: 'FAST_JWT_INVALID_TYPE' })), 'CHAT_UNAUTHENTICATED')
  t.equal(code(Object.assign(new Error('x'), { code: 'FST_JWT_BAD_REQUEST', statusCode: 400 })), 'CHAT_UNAUTHENTICATED')
  t.equal(code(new fastifyErrors.FST_ERR_HANDLER_TIMEOUT(5, '/x')), 'CHAT_OUTCOME_UNKNOWN', 'its handler may go on')
  t.match(toChatError(Object.assign(new Error('x'), { validation: [{ instancePath: '/a', keyword: 'type', params: {} }] })),
    { code: 'CHAT_VALIDATION', statusCode: 400, details: [{ field: 'a', rule: 'type' }] })

  const ours = refuse('CHAT_NOT_MEMBER')
  t.equal(toChatError(ours), ours)
  const cause = new Error('x')
  t.equal(toChatError(cause).cause, cause)
})

t.test('what is no HTTP, or has too long a header, gets the same body', async t => {
  const app = Fastify({ clientErrorHandler: clientError })
  t.teardown(() => app.close())
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const say = (text: string) => new Promise<string>((resolve, reject) => {
    let answer = ''
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text))
    socket.on('data', chunk => { answer += String(chunk) })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
  t.match(await say('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n[^]*{"code":"CHAT_VALIDATION","message":"This is not HTTP"}$/)
  t.match(await say(`GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 [^]*{"code":"CHAT_PAYLOAD_TOO_LARGE"/)
})

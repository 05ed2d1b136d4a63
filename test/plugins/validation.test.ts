import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import errors from '../../plugins/errors.ts'
import metrics from '../../plugins/metrics.ts'
import validation, { toDetails } from '../../plugins/validation.ts'
import { CafeIdParams, Ref, Strict } from '../../schemas/common.ts'
import { entities, JoinRequest, Message, PageQuery, SendBody, SendRequest, StatusRequest, TopicsQuery } from '../../schemas/index.ts'
import type { ErrorBody } from '../../schemas/errors.ts'
import type { ChatError } from '../../services/errors.ts'

const id = '0b0e7a52-6f3e-4c1d-9a53-0f8a2f6f3f11'

const law = fp(async function law (app: FastifyInstance) {
  await app.register(config, { config: loadConfig({ SOCKET_MAX_PAYLOAD: '2048' }) })
  await app.register(validation)
  await app.register(metrics)
  await app.register(errors)
})

async function boot (t: Test, routes?: (app: FastifyInstance) => void) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(law)
  routes?.(app)
  await app.ready()
  return app
}

const echoing = (app: FastifyInstance) => {
  app.post('/send', { schema: { body: Ref(SendBody) } }, async request => ({ got: request.body }))
  app.get('/page/:id', { schema: { params: CafeIdParams, querystring: PageQuery } }, async request => request.query)
  app.get('/topics', { schema: { querystring: TopicsQuery } }, async request => request.query)
}

const details = (error: ChatError | undefined) => error?.details

t.test('every entity is known by name', async t => {
  const app = await boot(t)
  for (const { $id } of entities) {
    t.ok(app.ajv.getSchema($id!), $id!)
    t.equal(app.getSchema($id!), entities.find(entity => entity.$id === $id))
  }
  t.ok(entities.length > 20)
})

t.test('check: nothing is coerced, dropped or filled in', async t => {
  const app = await boot(t)
  const check = app.check(SendRequest)
  t.equal(check({ cafeId: id, content: 'Hello' }), undefined)
  t.equal(check({ cafeId: id, content: '', clientId: 'x' }), undefined, 'blank content is for the rules to refuse')

  const payload = { cafeId: id, content: 5 as unknown, extra: 1, clientId: '' }
  const error = check(payload)
  t.match(error, { code: 'CHAT_VALIDATION', statusCode: 400 })
  t.strictSame(payload, { cafeId: id, content: 5, extra: 1, clientId: '' }, 'the payload is as it was')
  t.strictSame(details(error)?.toSorted((a, b) => a.field < b.field ? -1 : 1), [
    { field: 'clientId', rule: 'minLength' },
    { field: 'clientId', rule: 'pattern' },
    { field: 'content', rule: 'type' },
    { field: 'extra', rule: 'additionalProperties' }
  ])
})

t.test('check: missing fields are named, wrong shapes refused', async t => {
  const app = await boot(t)
  const check = app.check(SendRequest)
  t.strictSame(details(check({ content: 'Hi' })), [{ field: 'cafeId', rule: 'required' }])
  for (const value of [undefined, null, [], 'text', 1, true, Symbol.iterator, () => 1, Buffer.from('x')]) {
    t.equal(check(value)?.code, 'CHAT_VALIDATION', String(value))
  }
  t.strictSame(details(check(null)), [{ field: '', rule: 'type' }])
  t.strictSame(details(app.check(JoinRequest)({ cafeId: id, since: '5' })), [{ field: 'since', rule: 'type' }])
  t.strictSame(details(app.check(JoinRequest)({ cafeId: id, since: 1.5 })), [{ field: 'since', rule: 'type' }])
  t.strictSame(details(app.check(JoinRequest)({ cafeId: id, since: 2 ** 53 })), [{ field: 'since', rule: 'maximum' }])
  t.strictSame(details(app.check(StatusRequest)({ status: 'gone' })), [{ field: 'status', rule: 'enum' }])
})

t.test('check: an id is a UUID in lower-case letters', async t => {
  const app = await boot(t)
  const check = app.check(JoinRequest)
  t.equal(check({ cafeId: id }), undefined)
  for (const cafeId of [id.toUpperCase(), `urn:uuid:${id}`, `{${id}}`, `${id} `, ` ${id}`, `${id}\n`, id.replaceAll('-', ''), id.slice(1), '', '*', 'a:users']) {
    t.strictSame(details(check({ cafeId })), [{ field: 'cafeId', rule: 'format' }], cafeId)
  }
  for (const cafeId of [{}, [id], 1, null]) t.strictSame(details(check({ cafeId })), [{ field: 'cafeId', rule: 'type' }])
})

t.test('check: prototype keys are extra fields like any other', async t => {
  const app = await boot(t)
  const check = app.check(SendRequest)
  const own = (json: string) => details(check(JSON.parse(`{"cafeId":"${id}","content":"x",${json}}`)))
  t.strictSame(own('"__proto__":{"isAdmin":true}'), [{ field: '__proto__', rule: 'additionalProperties' }])
  t.strictSame(own('"constructor":{"prototype":{}}'), [{ field: 'constructor', rule: 'additionalProperties' }])
  t.strictSame(own('"toString":1'), [{ field: 'toString', rule: 'additionalProperties' }])
  t.equal(({} as { isAdmin?: boolean }).isAdmin, undefined)
})

t.test('check: at most ten details, and a crowd of fields costs next to nothing', async t => {
  const app = await boot(t)
  const check = app.check(SendRequest)
  const crowd = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, number) => [`field${number}`, number]))
  t.equal(details(check(crowd(50)))?.length, 10)
  t.strictSame(details(check(crowd(200_000))), [{ field: '', rule: 'maxProperties' }])
  for (const value of [Buffer.alloc(10_000_000), new Float64Array(1_000_000), new Array(1_000_000).fill(0)]) {
    t.strictSame(details(check(value)), [{ field: '', rule: 'type' }])
  }
})

t.test('toDetails: paths with dots, names unescaped, long names cut', async t => {
  const app = await boot(t)
  const validate = app.ajv.compile(Strict({ a: Type.Array(Strict({ 'b/c~d': Type.Integer() })) }))
  validate({ a: [{ 'b/c~d': 1 }, { 'b/c~d': 'x' }] })
  t.strictSame(toDetails(validate.errors!), [{ field: 'a.1.b/c~d', rule: 'type' }])
  validate({ a: [{}] })
  t.strictSame(toDetails(validate.errors!), [{ field: 'a.0.b/c~d', rule: 'required' }])
  validate({ a: [], ['x'.repeat(5000)]: 1 })
  t.equal(toDetails(validate.errors!)[0]?.field.length, 100)
})

t.test('date-time is checked, so that outgoing events can be', async t => {
  const app = await boot(t)
  const check = app.check(Message)
  const message = { id, cafeId: id, userId: id, username: 'ann', content: 'Hi', createdAt: '2025-11-19T10:00:00.000Z', deleted: false, seq: 1, rev: 1 }
  t.equal(check(message), undefined)
  t.strictSame(details(check({ ...message, createdAt: '2025-11-19 10:00' })), [{ field: 'createdAt', rule: 'format' }])
})

t.test('bodies: the same law over HTTP', async t => {
  const app = await boot(t, echoing)
  const post = (payload: string, type = 'application/json') => app.inject({ method: 'POST', url: '/send', payload, headers: { 'content-type': type } })

  t.strictSame((await post('{"content":"Hi"}')).json(), { got: { content: 'Hi' } })
  t.equal((await post('{"content":"Hi"}', 'application/json; charset=utf-8')).statusCode, 200)

  const refused = await post('{"content":5,"userId":"me"}')
  t.equal(refused.statusCode, 400)
  t.match(refused.json<ErrorBody>(), { code: 'CHAT_VALIDATION' })
  t.strictSame(refused.json<ErrorBody>().details?.map(({ field }) => field).toSorted(), ['content', 'userId'])

  for (const body of ['', '{', 'null', '[]', '"Hi"', '1', '{"content":"Hi"} x', '{"__proto__":{"a":1},"content":"Hi"}', '{"constructor":{"prototype":{"a":1}},"content":"Hi"}']) {
    const response = await post(body)
    t.equal(response.statusCode, 400, body)
    t.equal(response.json<ErrorBody>().code, 'CHAT_VALIDATION', body)
  }
  t.equal((await app.inject({ method: 'POST', url: '/send' })).statusCode, 400, 'no body at all')
  const reaching = await post('{"__proto__":{"a":1},"content":"Hi"}')
  t.strictSame(reaching.json<ErrorBody>().details, [{ field: '__proto__', rule: 'additionalProperties' }], 'named like any other field')
  t.equal(({} as { a?: number }).a, undefined)

  for (const encoding of ['gzip', 'br', 'deflate', 'GZIP', 'identity, gzip']) {
    const response = await app.inject({ method: 'POST', url: '/send', payload: '{"content":"Hi"}', headers: { 'content-type': 'application/json', 'content-encoding': encoding } })
    t.equal(response.statusCode, 415, encoding)
    t.match(response.json<ErrorBody>(), { code: 'CHAT_VALIDATION', details: [{ field: 'content-encoding', rule: 'contentEncoding' }] }, encoding)
  }
  t.equal((await app.inject({ method: 'POST', url: '/send', payload: { content: 'Hi' }, headers: { 'content-encoding': 'Identity' } })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/nowhere', payload: { content: 'Hi' }, headers: { 'content-encoding': 'gzip' } })).statusCode, 404)

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonx', 'nonsense', 'text/plain; charset=application/json']) {
    t.equal((await post('{"content":"Hi"}', type)).statusCode, 415, type)
  }
  // Tricks with blanks and tabs that once got a body past its schema.
  for (const type of ['application/json\t;', 'application/json ;', 'APPLICATION/JSON', 'application/json;', 'application/ json']) {
    const response = await post('{"content":5}', type)
    t.ok([400, 415].includes(response.statusCode), `${type}: ${response.statusCode}`)
  }
})

t.test('bodies: SOCKET_MAX_PAYLOAD is the limit of each', async t => {
  const app = await boot(t, echoing)
  const post = (length: number) => app.inject({ method: 'POST', url: '/send', payload: { content: 'x'.repeat(length) } })
  t.equal((await post(1900)).statusCode, 200)
  const refused = await post(2100)
  t.equal(refused.statusCode, 413)
  t.equal(refused.json<ErrorBody>().code, 'CHAT_PAYLOAD_TOO_LARGE')
})

t.test('queries: plain whole numbers are read, everything else refused by name', async t => {
  const app = await boot(t, echoing)
  const get = (query: string) => app.inject(`/page/${id}?${query}`)

  t.strictSame((await get('limit=20&before=7')).json(), { limit: 20, before: 7 })
  t.strictSame((await app.inject('/topics')).json(), { limit: 10 })
  t.strictSame((await get(`offset=${Number.MAX_SAFE_INTEGER}`)).json(), { offset: Number.MAX_SAFE_INTEGER })

  const wrong: Array<[string, string, string]> = [
    ['limit=', 'limit', 'type'],
    ['limit', 'limit', 'type'],
    ['limit=abc', 'limit', 'type'],
    ['limit=true', 'limit', 'type'],
    ['limit=null', 'limit', 'type'],
    ['limit=1e1', 'limit', 'type'],
    ['limit=1.0', 'limit', 'type'],
    ['limit=0x10', 'limit', 'type'],
    ['limit=007', 'limit', 'type'],
    ['limit=-0', 'limit', 'type'],
    ['limit=%205', 'limit', 'type'],
    ['limit=5%20', 'limit', 'type'],
    ['limit=+5', 'limit', 'type'],
    ['limit=5%0A', 'limit', 'type'],
    ['limit=%D9%A5', 'limit', 'type'],
    ['limit=1&limit=2', 'limit', 'type'],
    ['limit[]=1', 'limit[]', 'additionalProperties'],
    ['limit=0', 'limit', 'minimum'],
    ['limit=-1', 'limit', 'minimum'],
    ['limit=101', 'limit', 'maximum'],
    ['offset=-1', 'offset', 'minimum'],
    ['offset=1000000000000000000', 'offset', 'maximum'],
    [`offset=${'9'.repeat(500)}`, 'offset', 'type'],
    ['before=-5', 'before', 'minimum'],
    ['token=abc', 'token', 'additionalProperties'],
    ['__proto__=1', '__proto__', 'additionalProperties']
  ]
  for (const [query, field, rule] of wrong) {
    const response = await get(query)
    t.equal(response.statusCode, 400, query)
    t.strictSame(response.json<ErrorBody>().details, [{ field, rule }], query)
  }
})

t.test('parameters: a malformed id never gets further', async t => {
  const app = await boot(t, echoing)
  for (const wrong of [id.toUpperCase(), 'x', `${id}0`, '%00', '*', "'%20OR%201=1--"]) {
    const response = await app.inject(`/page/${wrong}`)
    t.equal(response.statusCode, 400, wrong)
    t.strictSame(response.json<ErrorBody>().details, [{ field: 'id', rule: 'format' }], wrong)
  }
})

t.test('inside another server its law is ours, and outside nothing changes', async t => {
  const host = Fastify()
  t.teardown(() => host.close())
  host.addSchema({ $id: 'User', type: 'object', properties: { shoeSize: { type: 'integer' } } })
  host.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  host.post('/shoes', { schema: { body: { $ref: 'User#' }, response: { 200: { $ref: 'User#' } } } }, async request => request.body)
  host.register(async function chat (app) {
    await app.register(law)
    echoing(app)
    app.get('/user', { schema: { response: { 200: { $ref: 'User#' } } } }, async () => ({ id, username: 'ann', role: 'member', secret: 1 }))
  }, { prefix: '/chat' })
  await host.ready()

  t.strictSame((await host.inject('/chat/user')).json(), { id, username: 'ann', role: 'member' }, 'our User')
  const shoes = await host.inject({ method: 'POST', url: '/shoes', payload: { shoeSize: '42', colour: 'red' } })
  t.strictSame(shoes.json(), { shoeSize: 42 }, "the host's User, coerced and stripped as ever")
  t.equal((await host.inject({ method: 'POST', url: '/chat/send', payload: 'a,b', headers: { 'content-type': 'text/csv' } })).statusCode, 415)
  t.equal((await host.inject({ method: 'POST', url: '/chat/send', payload: { content: 'Hi', extra: 1 } })).statusCode, 400)
  t.equal(host.hasDecorator('ajv'), false)
})

t.test('other schemas can be added beside the entities, and never in their place', async t => {
  const app = await boot(t, app => {
    app.addSchema({ $id: 'Shoe', type: 'object', properties: { size: { type: 'integer' } } })
    app.addSchema({ $id: 'User', type: 'object', properties: { shoe: { $ref: 'Shoe#' } } })
    app.get('/shoe', { schema: { response: { 200: { $ref: 'Shoe#' } } } }, async () => ({ size: 42, colour: 'red' }))
  })
  t.strictSame((await app.inject('/shoe')).json(), { size: 42 })
  t.match(app.getSchema('Shoe'), { properties: { size: { type: 'integer' } } })
  t.match(app.getSchema('User'), { title: 'User' }, 'ours')
})

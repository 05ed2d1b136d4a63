import Fastify from 'fastify'
import t from 'tap'
import config, { loadConfig } from '../../plugins/config.ts'
import { Env } from '../../schemas/config.ts'

const secret = 's'.repeat(32)
const production = { NODE_ENV: 'production', DATABASE_URL: 'postgres://db/klatsch', JWT_SECRET: secret }

t.test('an empty environment gives the defaults of the specification', async t => {
  const loaded = loadConfig({})
  t.match(loaded, {
    production: false,
    host: '127.0.0.1',
    port: 3000,
    chat: { maxLength: 500, historyLimit: 50, cacheSize: 100, typingTimeout: 3000 },
    topics: { minWordLength: 4, maxTopics: 50, expiry: 3_600_000 },
    postgres: { url: undefined, poolSize: 20 },
    redis: { url: undefined, poolSize: 10 },
    jwt: { secret: undefined, expiresIn: '1d', issuers: [] },
    limits: { enabled: true },
    origins: [],
    trustProxy: []
  })
})

t.test('every variable of the specification changes what it names', async t => {
  const loaded = loadConfig({
    CHAT_MESSAGE_MAX_LENGTH: '10',
    CHAT_HISTORY_LIMIT: '11',
    CHAT_CACHE_SIZE: '12',
    CHAT_TYPING_TIMEOUT: '1300',
    TOPIC_MIN_WORD_LENGTH: '2',
    TOPIC_MAX_TOPICS: '5',
    TOPIC_EXPIRY_SECONDS: '7'
  })
  t.match(loaded.chat, { maxLength: 10, historyLimit: 11, cacheSize: 12, typingTimeout: 1300 })
  t.same(loaded.topics, { minWordLength: 2, maxTopics: 5, expiry: 7000 })
})

t.test('every variable of the schema reaches the configuration', async t => {
  // A value of each that differs from its default, so that one which is not passed on shows as no difference.
  const other = (name: string, schema: { type?: string, enum?: string[], default?: unknown, minimum?: number }) => {
    if (name === 'NODE_ENV') return 'production'
    if (schema.enum !== undefined) return schema.enum.find(word => word !== schema.default)!
    if (schema.type === 'integer') return String(Number(schema.default) + 1)
    const texts: Record<string, string> = {
      DATABASE_URL: 'postgres://db/klatsch', REDIS_URL: 'redis://cache', JWT_SECRET: secret, JWT_EXPIRES_IN: '2h', JWT_REVOKED_FOR: '40d', JWT_ISSUERS: JSON.stringify([{ issuer: 'a', audience: 'b', secret }]), SOCKET_PATH: '/ws', CORS_ORIGIN: '*', TRUST_PROXY: '::1'
    }
    return texts[name] ?? 'other'
  }
  const defaults = JSON.stringify(loadConfig({}))
  for (const [name, schema] of Object.entries(Env.properties)) {
    const needed = name === 'NODE_ENV' ? production : {}
    const before = name === 'NODE_ENV' ? JSON.stringify(loadConfig({ ...production, NODE_ENV: 'test' })) : defaults
    t.not(JSON.stringify(loadConfig({ ...needed, [name]: other(name, schema) })), before, name)
  }
})

t.test('lists are split, blanks and empty items left out', async t => {
  const loaded = loadConfig({ CORS_ORIGIN: ' https://a.example , https://b.example,', TRUST_PROXY: '10.0.0.0/8,::1' })
  t.same(loaded.origins, ['https://a.example', 'https://b.example'])
  t.same(loaded.trustProxy, ['10.0.0.0/8', '::1'])
  t.equal(loadConfig({ CORS_ORIGIN: ' * ' }).origins, '*')
})

t.test('an empty variable counts as unset, a foreign one is ignored', async t => {
  t.equal(loadConfig({ PORT: '', HOME: '/root', REDIS_URL: undefined }).port, 3000)
})

t.test('a wrong variable stops the start, by name and rule and without its value', async t => {
  const wrong: Array<[Record<string, string>, RegExp]> = [
    [{ PORT: 'http' }, /PORT must be integer/],
    [{ PORT: '65536' }, /PORT must be <= 65535/],
    [{ CHAT_HISTORY_LIMIT: '0' }, /CHAT_HISTORY_LIMIT must be >= 1/],
    [{ CHAT_MESSAGE_MAX_LENGTH: '4001' }, /CHAT_MESSAGE_MAX_LENGTH must be <= 4000/],
    [{ CHAT_LIMITS: 'maybe' }, /CHAT_LIMITS must be equal to one of/],
    [{ DATABASE_URL: 'mysql://db' }, /DATABASE_URL must match pattern/],
    [{ REDIS_URL: 'http://cache' }, /REDIS_URL must match pattern/],
    [{ JWT_SECRET: 'changeme' }, /JWT_SECRET must NOT have fewer than 32 characters/],
    [{ JWT_SECRET: 'super-secret-jwt-token-with-at-least-32-characters-long' }, /JWT_SECRET is known from an example/],
    [{ JWT_SECRET: 'the-same-32-or-more-characters-on-every-node' }, /JWT_SECRET is known from an example/],
    [{ JWT_SECRET: 'Change_Me-change_Me-change_Me-change_Me' }, /JWT_SECRET is known from an example/],
    [{ JWT_SECRET: 'a-string-secret-at-least-256-bits-long' }, /JWT_SECRET is known from an example/],
    [{ JWT_EXPIRES_IN: '0d' }, /JWT_EXPIRES_IN must match pattern/],
    [{ JWT_EXPIRES_IN: 'soon' }, /JWT_EXPIRES_IN must match pattern/],
    [{ SOCKET_PATH: '/' }, /SOCKET_PATH must match pattern/],
    [{ SOCKET_PATH: '/api' }, /SOCKET_PATH must match pattern/],
    [{ SOCKET_PATH: '/health/live' }, /SOCKET_PATH must match pattern/],
    [{ NODE_ENV: 'prod' }, /NODE_ENV must be equal to one of/],
    [{ JWT_SECRET: ' '.repeat(40) }, /JWT_SECRET must match pattern/],
    [{ REDIS_URL: 'redis://' }, /REDIS_URL must match pattern/],
    [{ PORT: '0x50' }, /PORT must be integer/],
    [{ PORT: ' 3000' }, /PORT must be integer/],
    [{ CHAT_CACHE_SIZE: '1e3' }, /CHAT_CACHE_SIZE must be integer/],
    [{ PRESENCE_HEARTBEAT: '8000' }, /PRESENCE_LEASE must be at least twice PRESENCE_HEARTBEAT/],
    [{ PORT: 'http', TOPIC_MAX_TOPICS: '-1' }, /PORT .*; TOPIC_MAX_TOPICS /]
  ]
  for (const [env, rule] of wrong) {
    t.throws(() => loadConfig(env), { message: rule }, JSON.stringify(env))
  }
  t.throws(() => loadConfig({ JWT_SECRET: 'changeme' }), { message: /^(?!.*changeme)/s }, 'the secret stays out of the message')
  t.throws(() => loadConfig({ DATABASE_URL: 'mysql://me:hunter2@db' }), { message: /^(?!.*hunter2)/s }, 'so does the password')
})

t.test('production needs a database and a secret', async t => {
  t.equal(loadConfig(production).production, true)
  t.throws(() => loadConfig({ NODE_ENV: 'production' }), { message: /DATABASE_URL and JWT_SECRET/ })
  t.throws(() => loadConfig({ ...production, JWT_SECRET: '' }), { message: /needs JWT_SECRET$/ })
  t.equal(loadConfig({ NODE_ENV: 'test' }).production, false)
})

t.test('the plugin decorates what it was given', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  const loaded = loadConfig({ PORT: '4000' })
  await app.register(config, { config: loaded })
  t.equal(app.config, loaded)
})

t.test('proxies are addresses or networks, origins what a browser sends', async t => {
  for (const TRUST_PROXY of ['10.0.0.1', '10.0.0.0/8, ::1', 'fd00::/8']) t.same(loadConfig({ TRUST_PROXY }).trustProxy.length > 0, true, TRUST_PROXY)
  for (const TRUST_PROXY of ['foo', '10.0.0.0/99', '10.0.0.0/8/8', '::1/129', '10.0.0.0/x']) t.throws(() => loadConfig({ TRUST_PROXY }), { message: /TRUST_PROXY must be/ }, TRUST_PROXY)
  for (const CORS_ORIGIN of ['*', 'https://cafe.example', 'http://localhost:5173, https://a.example']) t.ok(loadConfig({ CORS_ORIGIN }), CORS_ORIGIN)
  for (const CORS_ORIGIN of ['example.com', 'http://a/path', 'https://a.example/', '*, https://a.example']) t.throws(() => loadConfig({ CORS_ORIGIN }), { message: /CORS_ORIGIN must be/ }, CORS_ORIGIN)
})

import { createPublicKey } from 'node:crypto'
import { isIP } from 'node:net'
import { Ajv } from 'ajv'
import { type FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Config, Env } from '../schemas/config.ts'
import { type Issuer, Issuers } from '../schemas/issuers.ts'

declare module 'fastify' {
  interface FastifyInstance { config: Config }
}

const list = (text: string) => text.split(',').map(item => item.trim()).filter(item => item !== '')

const UNITS_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const toMs = (life: string) => Number(life.slice(0, -1)) * UNITS_MS[life.slice(-1)]!
/** A hundred years: the calendar of a database has an end. */
const LONGEST_MS = 100 * 366 * 86_400_000

/** Words of secrets that stand in examples, templates and defaults: whoever reads those could make tokens. */
const EXAMPLES = ['changeme', 'changethis', 'replaceme', 'yoursecret', 'yoursupersecret', 'yourjwtsecret', 'mysecret', 'supersecretjwttoken', 'thesame32ormore', 'atleast32char', 'atleast256bit', 'passwordpassword', '0123456789']

const isExample = (secret: string) => EXAMPLES.some(words => secret.toLowerCase().replace(/[^a-z0-9]/g, '').includes(words))

const validate = new Ajv({ allErrors: true, coerceTypes: true, useDefaults: true, removeAdditional: 'all' }).compile<Env>(Env)

const validateIssuers = new Ajv({ useDefaults: true }).compile<Issuer[]>(Issuers)

const integers = Object.entries(Env.properties).flatMap(([name, { type }]) => type === 'integer' ? [name] : [])

/**
 * The configuration of an environment.
 * @param env variables by name; empty ones count as unset
 * @throws Error that names every wrong variable and the rule it broke, never its value
 */
export function loadConfig (env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in Env.properties && value !== undefined && value !== ''))
  // To Ajv ` 5`, `0x10` and `1e3` are numbers.
  for (const name of integers) if (given[name] !== undefined && !/^\d+$/.test(given[name])) given[name] = 'no number'
  if (!validate(given)) {
    const faults = validate.errors!.map(error => `${error.instancePath.slice(1)} ${error.message}`)
    throw new Error(`Wrong environment: ${faults.join('; ')}`)
  }
  const production = given.NODE_ENV === 'production'
  const missing = (['DATABASE_URL', 'JWT_SECRET'] as const).filter(name => production && given[name] === undefined)
  if (missing.length > 0) throw new Error(`Wrong environment: NODE_ENV=production needs ${missing.join(' and ')}`)
  if (given.PRESENCE_LEASE < 2 * given.PRESENCE_HEARTBEAT) throw new Error('Wrong environment: PRESENCE_LEASE must be at least twice PRESENCE_HEARTBEAT')
  const proxies = list(given.TRUST_PROXY).filter(proxy => !isNetwork(proxy))
  if (proxies.length > 0) throw new Error('Wrong environment: TRUST_PROXY must be addresses or networks such as 10.0.0.0/8, comma separated')
  const origins = list(given.CORS_ORIGIN).filter(origin => !isOrigin(origin))
  if (origins.length > 0 && given.CORS_ORIGIN.trim() !== '*') throw new Error('Wrong environment: CORS_ORIGIN must be * or origins such as https://cafe.example, comma separated')
  if (given.JWT_SECRET !== undefined && isExample(given.JWT_SECRET)) throw new Error('Wrong environment: JWT_SECRET is known from an example: take one of your own, such as `openssl rand -base64 48` makes')
  return nest(given, production)
}

/** The issuers of a JSON text. @throws Error that names the field and the rule it broke, never a value */
function readIssuers (text = '[]'): Issuer[] {
  const issuers = parseJson(text)
  if (!validateIssuers(issuers)) {
    const faults = validateIssuers.errors!.map(error => `JWT_ISSUERS${error.instancePath} ${error.message}`)
    throw new Error(`Wrong environment: ${faults.join('; ')}`)
  }
  for (const [index, { secret, publicKey, jwks, algorithms }] of issuers.entries()) {
    const wrong = (rule: string) => new Error(`Wrong environment: JWT_ISSUERS/${index} ${rule}`)
    if ([secret, publicKey, jwks].filter(key => key !== undefined).length !== 1) throw wrong('must have one of secret, publicKey and jwks')
    if (secret !== undefined && algorithms !== undefined) throw wrong('must not have algorithms beside a secret, which is for HS256')
    if (secret !== undefined && isExample(secret)) throw wrong('has a secret that is known from an example')
    if (publicKey !== undefined && !isPublicKey(publicKey)) throw wrong('must have a publicKey in PEM')
  }
  if (new Set(issuers.map(({ issuer }) => issuer)).size < issuers.length) throw new Error('Wrong environment: JWT_ISSUERS must name each issuer once')
  return issuers
}

function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words repeat what they could not read.
    throw new Error('Wrong environment: JWT_ISSUERS must be JSON')
  }
}

function isPublicKey (pem: string): boolean {
  try {
    return createPublicKey(pem).type === 'public'
  } catch {
    return false
  }
}

/** An address, or one with the length of a prefix. */
function isNetwork (text: string): boolean {
  const [address = '', prefix, ...others] = text.split('/')
  const longest = { 4: 32, 6: 128 }[isIP(address)]
  if (longest === undefined || others.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)
}

/** What a browser sends as Origin: scheme, host and port, nothing behind them. */
const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text

function nest (env: Env, production: boolean): Config {
  return {
    production,
    host: env.HOST,
    port: env.PORT,
    logLevel: env.LOG_LEVEL,
    drainWait: env.DRAIN_WAIT,
    dataDir: env.DATA_DIR,
    trustProxy: list(env.TRUST_PROXY),
    postgres: { url: env.DATABASE_URL, poolSize: env.PG_POOL_SIZE, timeout: env.PG_TIMEOUT, maxWaiting: env.PG_MAX_WAITING },
    redis: { url: env.REDIS_URL, poolSize: env.REDIS_POOL_SIZE, canary: env.REDIS_CANARY },
    jwt: { secret: env.JWT_SECRET, expiresIn: env.JWT_EXPIRES_IN, revokedFor: Math.min(LONGEST_MS, Math.max(toMs(env.JWT_REVOKED_FOR), toMs(env.JWT_EXPIRES_IN))), issuers: readIssuers(env.JWT_ISSUERS) },
    origins: env.CORS_ORIGIN.trim() === '*' ? '*' : list(env.CORS_ORIGIN),
    socket: {
      path: env.SOCKET_PATH,
      pingInterval: env.SOCKET_PING_INTERVAL,
      pingTimeout: env.SOCKET_PING_TIMEOUT,
      maxPayload: env.SOCKET_MAX_PAYLOAD,
      maxBuffered: env.SOCKET_MAX_BUFFERED,
      maxPackets: env.SOCKET_MAX_PACKETS,
      maxErrors: env.SOCKET_MAX_ERRORS,
      maxCafes: env.SOCKET_MAX_CAFES,
      coalesceWrites: env.SOCKET_WRITE_COALESCING === 'on'
    },
    pressure: { maxDelay: env.PRESSURE_DELAY, maxHeap: env.PRESSURE_HEAP },
    chat: {
      maxLength: env.CHAT_MESSAGE_MAX_LENGTH,
      historyLimit: env.CHAT_HISTORY_LIMIT,
      cacheSize: env.CHAT_CACHE_SIZE,
      keepPage: env.CHAT_KEEP_PAGE === 'on',
      typingTimeout: env.CHAT_TYPING_TIMEOUT,
      typingRoom: env.CHAT_TYPING_ROOM,
      sendQueue: env.CHAT_SEND_QUEUE,
      sendBatch: env.CHAT_SEND_BATCH
    },
    limits: {
      enabled: env.CHAT_LIMITS === 'on',
      rates: {
        send: { user: env.CHAT_USER_RATE, cafe: env.CHAT_CAFE_RATE },
        join: { user: env.CHAT_JOIN_USER_RATE, cafe: env.CHAT_JOIN_CAFE_RATE },
        typing: { user: env.CHAT_TYPING_USER_RATE, cafe: env.CHAT_TYPING_CAFE_RATE },
        presence: { user: env.CHAT_PRESENCE_USER_RATE, cafe: env.CHAT_PRESENCE_CAFE_RATE }
      },
      repeatWindow: env.CHAT_REPEAT_WINDOW
    },
    feed: { check: env.CHAT_FEED_CHECK, linger: env.CHAT_FEED_LINGER, maxOpen: env.CHAT_FEED_MAX_OPEN },
    presence: { heartbeat: env.PRESENCE_HEARTBEAT, lease: env.PRESENCE_LEASE, grace: env.PRESENCE_GRACE },
    topics: {
      minWordLength: env.TOPIC_MIN_WORD_LENGTH,
      maxTopics: env.TOPIC_MAX_TOPICS,
      expiry: env.TOPIC_EXPIRY_SECONDS * 1000
    }
  }
}

async function config (fastify: FastifyInstance, options: { config: Config }) {
  fastify.decorate('config', options.config)
}

export default fp(config, { name: 'config' })

import { KeyObject, type webcrypto } from 'node:crypto'
import jwt, { type FastifyJWTOptions, type JWT } from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createRemoteJWKSet, customFetch, errors, type JWSHeaderParameters } from 'jose'
import type { Issuer } from '../schemas/issuers.ts'
import { refuse } from '../services/errors.ts'
import { verification } from './jwt.ts'

/** `payload`: of a token that is good; what its claims say was not looked at yet. */
export interface Outsider { issuer: Issuer, payload: Record<string, unknown> }

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Verifies a token that names one of JWT_ISSUERS; undefined for every other. Rejects with whatever is wrong with it, or with
     * CHAT_UNAVAILABLE while the keys of its issuer were never to be had.
     */
    verifyOutsider: (token: string) => Promise<Outsider> | undefined
  }
}

/** Keys that an issuer has withdrawn are good for as long as this and the next, at most. */
const REFRESH_MS = 300_000
const KNOWN_MS = 300_000
/** Between two looks for a key that nobody has heard of: a stranger shall not make us ask the issuer as often as he likes. */
const COOLDOWN_MS = 10_000
/** The same while the issuer does not answer. */
const RETRY_MS = 1000
const FETCH_MS = 2000
const MAX_BYTES = 262_144

interface KeySet { keyOf: (header: JWSHeaderParameters) => Promise<string>, refresh: () => Promise<void> }

/** Tokens of others: each issuer has its own verifier on `fastify.jwt`, with its keys, its algorithms, its `iss` and `aud`, and no other. */
async function issuers (fastify: FastifyInstance) {
  const { config: { jwt: { issuers } }, reporter } = fastify
  const verifiers = new Map<string, { issuer: Issuer, verify: (token: string) => unknown }>()
  const refreshers: Array<() => void> = []

  for (const [index, issuer] of issuers.entries()) {
    const { keys, secret } = openKeys(issuer)
    const refresh = () => keys?.refresh().catch(error => reporter.warn(error, `fetch the keys of issuer ${index}`))
    if (keys !== undefined) refreshers.push(refresh)
    verifiers.set(issuer.issuer, { issuer, verify: await register(fastify, index, issuer, secret) })
  }

  fastify.decorate('verifyOutsider', function verifyOutsider (token) {
    if (verifiers.size === 0) return undefined
    const name = fastify.jwt.decode<{ iss?: unknown }>(token)?.iss
    const known = typeof name === 'string' ? verifiers.get(name) : undefined
    return known && verify(known, token)
  })

  if (refreshers.length === 0) return
  const refreshAll = () => { for (const refresh of refreshers) refresh() }
  // Not waited for: an issuer that is away is no reason not to start.
  refreshAll()
  const timer = setInterval(refreshAll, REFRESH_MS).unref()
  fastify.addHook('preClose', async () => clearInterval(timer))
}

async function register (fastify: FastifyInstance, index: number, issuer: Issuer, secret: FastifyJWTOptions['secret']) {
  const namespace = `issuer${index}`
  const verify: FastifyJWTOptions['verify'] = {
    ...verification,
    requiredClaims: ['exp', 'iss', 'aud'],
    algorithms: issuer.secret === undefined ? issuer.algorithms ?? ['RS256'] : ['HS256'],
    allowedIss: issuer.issuer,
    allowedAud: issuer.audience,
    cacheTTL: KNOWN_MS
  }
  try {
    await fastify.register(jwt, { namespace, secret, verify, decoratorName: 'claims' })
  } catch (cause) {
    throw new Error(`JWT_ISSUERS/${index}: its key and its algorithms do not fit: ${(cause as Error).message}`, { cause })
  }
  const own = (fastify.jwt as unknown as Record<string, JWT>)[namespace]!
  return (token: string): unknown => own.verify(token)
}

async function verify ({ issuer, verify }: { issuer: Issuer, verify: (token: string) => unknown }, token: string): Promise<Outsider> {
  try {
    return { issuer, payload: await verify(token) as Outsider['payload'] }
  } catch (error) {
    // The verifier wraps what the search for a key failed with.
    throw (error as { originalError?: unknown }).originalError ?? error
  }
}

function openKeys ({ secret, publicKey, jwks, algorithms }: Issuer): { secret: FastifyJWTOptions['secret'], keys?: KeySet } {
  if (secret !== undefined) return { secret }
  if (publicKey !== undefined) return { secret: { public: publicKey } }
  const keys = createKeySet(jwks!, algorithms ?? ['RS256'])
  return { keys, secret: { public: async ({ header }: { header: JWSHeaderParameters }) => keys.keyOf(header) } as FastifyJWTOptions['secret'] }
}

/** The keys at a URL: fetched at the start, every few minutes, and for a key id that is new. What they were stays good while the issuer is away. */
function createKeySet (url: string, algorithms: readonly string[]): KeySet {
  const pems = new WeakMap<object, string>()
  let retryAt = 0
  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Infinity,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: FETCH_MS,
    async [customFetch] (...request) {
      if (Date.now() < retryAt) throw new Error('The issuer was asked a moment ago')
      retryAt = Date.now() + RETRY_MS
      return readBounded(await fetch(...request))
    }
  })

  async function find (header: JWSHeaderParameters) {
    try {
      return await keys(header)
    } catch (cause) {
      const isKnown = keys.jwks() !== undefined
      if (isKnown || cause instanceof errors.JWKSNoMatchingKey) throw refuse('CHAT_UNAUTHENTICATED', { cause })
      throw refuse('CHAT_UNAVAILABLE', { cause, retryAfterMs: RETRY_MS, message: 'The issuer of the token cannot be asked for its keys' })
    }
  }

  return {
    refresh: keys.reload,
    /** In PEM. What the header says of keys but their id, such as `jku` and `jwk`, is not looked at. */
    async keyOf ({ alg, kid }) {
      if (!algorithms.includes(String(alg))) throw refuse('CHAT_UNAUTHENTICATED')
      const key = await find({ alg: alg!, ...(kid !== undefined && { kid }) })
      const pem = pems.get(key) ?? KeyObject.from(key as webcrypto.CryptoKey).export({ type: 'spki', format: 'pem' }) as string
      pems.set(key, pem)
      return pem
    }
  }
}

/** An issuer's keys are a few kilobytes: what is much more is not read to its end. */
async function readBounded (response: Response): Promise<Response> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.length
    if (size > MAX_BYTES) throw new Error(`The keys of the issuer have more than ${MAX_BYTES} bytes`)
    pieces.push(piece)
  }
  return new Response(Buffer.concat(pieces), { status: response.status })
}

export default fp(issuers, { name: 'issuers', dependencies: ['config', 'jwt', 'reporter'] })

import { randomUUID } from 'node:crypto'
import jwt, { type JWT } from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Role, type Session, TokenClaims, type User } from '../schemas/users.ts'
import { refuse } from '../services/errors.ts'

/** `expiresAt`: epoch milliseconds. */
export interface Identity { user: User, expiresAt: number }

declare module 'fastify' {
  interface FastifyInstance {
    /** onRequest hook: sets `request.user` from the bearer token, or fails as `identify` does. */
    authenticate: (request: FastifyRequest) => Promise<void>
    /**
     * Whom a token stands for, on either transport.
     * CHAT_UNAUTHENTICATED, the same whatever is wrong with it; CHAT_UNAVAILABLE when the user can't be recorded.
     */
    identify: (token: unknown) => Promise<Identity>
    /** A new token for a user, valid for JWT_EXPIRES_IN. */
    issue: (user: User) => Session
  }
}

declare module '@fastify/jwt' {
  interface FastifyJWT { user: User }
}

const minSecretLength = 32
const maxTokenLength = 8192
const clockTolerance = 1000
/** Tokens of which a node remembers, until they expire, that they are good. */
const maxKnownTokens = 10_000
// The end of the year 9999: later ones have more than four digits, which no date-time may have.
const lastInstant = Date.UTC(10_000, 0, 1) - 1

const roles: readonly string[] = Role.enum
const isRole = (role: unknown): role is User['role'] => roles.includes(role as string)

/** Epoch milliseconds of a claim in seconds. */
const toInstant = (seconds: number) => Math.min(Math.trunc(seconds * 1000), lastInstant)

/** The part of a header after the scheme. A token in a query would end up in logs, so there is no other place for it. */
const bearerOf = (header: string | undefined) => /^bearer +([^ ]+)$/i.exec(header ?? '')?.[1]

async function registerJwt (fastify: FastifyInstance) {
  const { config, secret } = fastify
  if (secret.length < minSecretLength) throw new Error(`The secret of the tokens needs at least ${minSecretLength} characters`)
  const options = {
    secret,
    sign: { algorithm: 'HS256' as const, expiresIn: config.jwt.expiresIn },
    verify: { algorithms: ['HS256' as const], requiredClaims: ['sub', 'exp'], clockTolerance, cache: maxKnownTokens },
    decoratorName: 'claims'
  }
  if (!fastify.hasDecorator('jwt')) {
    await fastify.register(jwt, options)
    return
  }
  // A host server has tokens of its own: ours get a name beside them and are `fastify.jwt` in our scope only.
  await fastify.register(jwt, { ...options, namespace: 'klatsch' })
  fastify.decorate('jwt', (fastify.jwt as unknown as Record<'klatsch', JWT>).klatsch)
}

async function authentication (fastify: FastifyInstance) {
  await registerJwt(fastify)
  if (!fastify.hasRequestDecorator('user')) fastify.decorateRequest('user')
  const isClaims = fastify.ajv.compile<TokenClaims>(TokenClaims)

  function verify (token: string): unknown {
    try {
      return fastify.jwt.verify(token)
    } catch (cause) {
      // The library has many errors for hostile tokens, some of them no 401: none is the client's business.
      throw refuse('CHAT_UNAUTHENTICATED', { cause })
    }
  }

  function readClaims (token: unknown): TokenClaims {
    if (typeof token !== 'string' || token.length > maxTokenLength) throw refuse('CHAT_UNAUTHENTICATED')
    const { sub, username, role, exp } = verify(token) as Record<string, unknown>
    const claims = { sub: typeof sub === 'string' ? sub.toLowerCase() : sub, username, role, exp }
    if (!isClaims(claims)) throw refuse('CHAT_UNAUTHENTICATED')
    return claims
  }

  fastify.decorate('identify', async function identify (token) {
    const { sub, username, role, exp } = readClaims(token)
    const user = { id: sub, username, role: isRole(role) ? role : 'member' }
    await fastify.services.accounts.recognise(user)
    return { user, expiresAt: toInstant(exp) }
  })

  fastify.decorate('authenticate', async function authenticate (request) {
    const { user } = await fastify.identify(bearerOf(request.headers.authorization))
    request.user = user
  })

  fastify.decorate('issue', function issue (user) {
    const token = fastify.jwt.sign({ sub: user.id, username: user.username, role: user.role, jti: randomUUID() })
    const { exp } = fastify.jwt.decode<TokenClaims>(token)!
    return { token, user, expiresAt: new Date(toInstant(exp)).toISOString() }
  })
}

export default fp(authentication, { name: 'authenticate', dependencies: ['config', 'secret', 'services', 'validation'] })

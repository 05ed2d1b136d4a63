import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Issuer } from '../schemas/issuers.ts'
import { Role, type Session, TokenClaims, type User } from '../schemas/users.ts'
import { isChatError, refuse } from '../services/errors.ts'

/** `issuer`: `iss` of another issuer's token. `tokenId`: its `jti`. Times in epoch milliseconds; `issuedAt` is 0 if the token does not say. */
export interface Identity { readonly user: User, readonly issuer?: string, readonly tokenId?: string, readonly issuedAt: number, readonly expiresAt: number }

declare module 'fastify' {
  interface FastifyRequest { identity: Identity }
  interface FastifyInstance {
    /** onRequest hook: sets `request.user` and `request.identity` from the bearer token, or fails as `identify` does. */
    authenticate: (request: FastifyRequest) => Promise<void>
    /**
     * Whom a token stands for, on either transport.
     * CHAT_UNAUTHENTICATED, the same whatever is wrong with it; CHAT_UNAVAILABLE when the user can't be recorded.
     */
    identify: (token: unknown) => Promise<Identity>
    /** What a token says, which is good, without asking who that is here. @throws as `identify` does, but for CHAT_UNAVAILABLE */
    examine: (token: unknown) => Promise<Identity>
    /** A new token for a user, valid for JWT_EXPIRES_IN. */
    issue: (user: User) => Session
  }
}

const maxTokenLength = 8192
// The end of the year 9999: later ones have more than four digits, which no date-time may have.
const lastInstant = Date.UTC(10_000, 0, 1) - 1

/** Which claims of the tokens that were made here are what. */
const OUR_CLAIMS = { id: 'sub', username: 'username', role: 'role' }

const roles: readonly string[] = Role.enum
const isRole = (role: unknown): role is User['role'] => roles.includes(role as string)

/** Epoch milliseconds of a claim in seconds. */
const toInstant = (seconds: number) => Math.min(Math.trunc(seconds * 1000), lastInstant)

/** The part of a header after the scheme. A token in a query would end up in logs, so there is no other place for it. */
const bearerOf = (header: string | undefined) => /^bearer +([^ ]+)$/i.exec(header ?? '')?.[1]

async function authentication (fastify: FastifyInstance) {
  if (!fastify.hasRequestDecorator('user')) fastify.decorateRequest('user')
  fastify.decorateRequest('identity')
  const { services } = fastify
  const isClaims = fastify.ajv.compile<TokenClaims>(TokenClaims)

  // By payload, which the verifier hands out again as long as it knows the token: what was read of it.
  const read = new WeakMap<object, Identity>()

  /** @throws CHAT_UNAUTHENTICATED */
  function readClaims (payload: Record<string, unknown>, issuer?: Issuer): Identity {
    const before = read.get(payload)
    if (before !== undefined) return before
    const { id, username, role } = issuer?.claims ?? OUR_CLAIMS
    const { [id]: sub, iat, exp, jti } = payload
    const claims: unknown = { sub: typeof sub === 'string' ? sub.toLowerCase() : sub, username: payload[username], role: role && payload[role], iat, exp, jti }
    if (!isClaims(claims)) throw refuse('CHAT_UNAUTHENTICATED')
    const identity = Object.freeze({
      user: Object.freeze({ id: claims.sub, username: claims.username, role: isRole(claims.role) ? claims.role : 'member' }),
      ...(issuer !== undefined && { issuer: issuer.issuer }),
      ...(claims.jti !== undefined && { tokenId: claims.jti }),
      issuedAt: toInstant(claims.iat ?? 0),
      expiresAt: toInstant(claims.exp)
    })
    read.set(payload, identity)
    return identity
  }

  /** What a token says, which was made here or by whom it names. A promise only where somebody else has to be asked. */
  function look (token: unknown): Identity | Promise<Identity> {
    if (typeof token !== 'string' || token.length > maxTokenLength) throw refuse('CHAT_UNAUTHENTICATED')
    const outsider = fastify.verifyOutsider(token)
    if (outsider === undefined) return readClaims(fastify.jwt.verify<Record<string, unknown>>(token))
    return outsider.then(({ issuer, payload }) => readClaims(payload, issuer))
  }

  fastify.decorate('examine', async function examine (token) {
    try {
      const looked = look(token)
      const identity = looked instanceof Promise ? await looked : looked
      refuseRevoked(identity)
      return identity
    } catch (cause) {
      // The libraries have many errors for hostile tokens, some of them no 401: none is the client's business.
      throw isChatError(cause) ? cause : refuse('CHAT_UNAUTHENTICATED', { cause })
    }
  })

  function refuseRevoked ({ user: { id }, tokenId, issuedAt }: Identity) {
    if (services.revocations.isRevoked({ userId: id, tokenId, issuedAt })) throw refuse('CHAT_UNAUTHENTICATED')
  }

  fastify.decorate('identify', async function identify (token) {
    const claimed = await fastify.examine(token)
    const user = await services.identities.recognise(claimed)
    if (user === claimed.user) return claimed
    // An account may be another user here than its issuer says.
    const identity = { ...claimed, user }
    refuseRevoked(identity)
    return identity
  })

  fastify.decorate('authenticate', async function authenticate (request) {
    request.identity = await fastify.identify(bearerOf(request.headers.authorization))
    request.user = request.identity.user
  })

  fastify.decorate('issue', function issue (user) {
    const token = fastify.jwt.sign({ sub: user.id, username: user.username, role: user.role, jti: randomUUID() })
    const { exp } = fastify.jwt.decode<TokenClaims>(token)!
    return { token, user, expiresAt: new Date(toInstant(exp)).toISOString() }
  })
}

export default fp(authentication, { name: 'authenticate', dependencies: ['issuers', 'jwt', 'services', 'validation'] })

import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Role, type Session, TokenClaims, type User } from '../schemas/users.ts'
import { isChatError, refuse } from '../services/errors.ts'

/** `issuer`: `iss` of another issuer's token. `tokenId`: its `jti`. Times in epoch milliseconds; `issuedAt` is 0 if the token does not say. */
export interface Identity { user: User, issuer?: string, tokenId?: string, issuedAt: number, expiresAt: number }

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

/** Of a token that is good; what they are is not known yet. */
type Claims = Record<keyof TokenClaims, unknown> & { issuer?: string }

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

  /** What a token claims, in our words: of one that was made here, or by whom it names. */
  function verify (token: string): Claims | Promise<Claims> {
    const outsider = fastify.verifyOutsider(token)
    if (outsider === undefined) return fastify.jwt.verify<Claims>(token)
    return outsider.then(({ issuer: { issuer, claims }, payload }) => {
      const { iat, exp, jti } = payload as Claims
      return { issuer, sub: payload[claims.id], username: payload[claims.username], role: claims.role && payload[claims.role], iat, exp, jti }
    })
  }

  async function readClaims (token: unknown): Promise<TokenClaims & { issuer?: string }> {
    if (typeof token !== 'string' || token.length > maxTokenLength) throw refuse('CHAT_UNAUTHENTICATED')
    try {
      const { issuer, sub, username, role, iat, exp, jti } = await verify(token)
      const claims: unknown = { sub: typeof sub === 'string' ? sub.toLowerCase() : sub, username, role, iat, exp, jti }
      if (isClaims(claims)) return issuer === undefined ? claims : { ...claims, issuer }
    } catch (cause) {
      // The libraries have many errors for hostile tokens, some of them no 401: none is the client's business.
      throw isChatError(cause) ? cause : refuse('CHAT_UNAUTHENTICATED', { cause })
    }
    throw refuse('CHAT_UNAUTHENTICATED')
  }

  fastify.decorate('examine', async function examine (token) {
    const { issuer, sub, username, role, iat = 0, exp, jti } = await readClaims(token)
    const user = { id: sub, username, role: isRole(role) ? role : 'member' }
    const identity = { user, ...(issuer !== undefined && { issuer }), ...(jti !== undefined && { tokenId: jti }), issuedAt: toInstant(iat), expiresAt: toInstant(exp) }
    refuseRevoked(identity)
    return identity
  })

  function refuseRevoked ({ user: { id }, tokenId, issuedAt }: Identity) {
    if (services.revocations.isRevoked({ userId: id, tokenId, issuedAt })) throw refuse('CHAT_UNAUTHENTICATED')
  }

  fastify.decorate('identify', async function identify (token) {
    const claimed = await fastify.examine(token)
    const identity = { ...claimed, user: await services.identities.recognise(claimed) }
    // An account may be another user here than its issuer says.
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

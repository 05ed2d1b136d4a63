import jwt, { type FastifyJWTOptions, type JWT } from '@fastify/jwt'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { MIN_SECRET_LENGTH } from '../schemas/issuers.ts'
import type { User } from '../schemas/users.ts'

declare module '@fastify/jwt' {
  interface FastifyJWT { user: User }
}

/** What is asked of every token, whoever made it. `clockTolerance`: milliseconds. `cache`: tokens of which a node remembers, until they expire, that they are good. */
export const verification = { requiredClaims: ['sub', 'exp'], clockTolerance: 1000, cache: 10_000 }

/** `fastify.jwt`: signs the tokens made here and verifies them; those of other issuers by `plugins/issuers.ts`, with verifiers of their own. */
async function tokens (fastify: FastifyInstance) {
  const { config, secret } = fastify
  if (secret.length < MIN_SECRET_LENGTH) throw new Error(`The secret of the tokens needs at least ${MIN_SECRET_LENGTH} characters`)
  const options: FastifyJWTOptions = {
    secret,
    sign: { algorithm: 'HS256', expiresIn: config.jwt.expiresIn },
    verify: { ...verification, algorithms: ['HS256'] },
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

export default fp(tokens, { name: 'jwt', dependencies: ['config', 'secret'] })

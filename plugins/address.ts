import type { IncomingMessage } from 'node:http'
import proxyAddress from '@fastify/proxy-addr'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whom a request or a handshake comes from, by the rule of Fastify's `request.ip`: X-Forwarded-For counts as far as TRUST_PROXY names who wrote it. */
    addressOf: (request: IncomingMessage) => string
    /** Which host was asked, likewise. */
    hostOf: (request: IncomingMessage) => string | undefined
  }
}

/** Who asks, and for what: the same for REST and for the socket, which Fastify does not see. */
async function address (fastify: FastifyInstance) {
  const isTrusted = proxyAddress.compile(fastify.config.trustProxy)

  fastify.decorate('addressOf', request => proxyAddress(request, isTrusted))

  fastify.decorate('hostOf', function hostOf ({ headers, socket }) {
    const forwarded = headers['x-forwarded-host']
    if (typeof forwarded !== 'string' || !isTrusted(socket.remoteAddress ?? '', 0)) return headers.host
    return forwarded.split(',').at(-1)!.trim()
  })
}

export default fp(address, { name: 'address', dependencies: ['config'] })

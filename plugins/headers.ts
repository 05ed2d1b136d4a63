import helmet from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** What fits answers that no browser is to show, run or frame. A route that answers with a page sets a policy of its own in this one's place. */
async function headers (fastify: FastifyInstance) {
  // A host server that has it registered decides for our routes too.
  if (fastify.hasReplyDecorator('helmet')) return
  await fastify.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'base-uri': ["'none'"], 'form-action': ["'none'"], 'frame-ancestors': ["'none'"] } },
    frameguard: { action: 'deny' },
    // Of this host alone: whoever runs it decides about others. Browsers heed it over TLS only.
    strictTransportSecurity: { includeSubDomains: false },
    // These are about pages, or about browsers of long ago.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    dnsPrefetchControl: false,
    ieNoOpen: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false
  })
}

export default fp(headers, { name: 'headers' })

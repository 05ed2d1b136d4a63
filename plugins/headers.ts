import type { OutgoingHttpHeaders } from 'node:http'
import helmet from '@fastify/helmet'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

/** What fits answers that no browser is to show, run or frame. A route that answers with a page sets a policy of its own in this one's place. */
async function headers (fastify: FastifyInstance) {
  // A host server that has it registered decides for our routes too.
  if (fastify.hasReplyDecorator('helmet')) return
  await fastify.register(helmet, {
    global: false,
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

  let fixed: OutgoingHttpHeaders | undefined
  fastify.addHook('onRequest', function addHeaders (_request, reply, done) {
    fixed ??= readHeaders(reply)
    reply.headers(fixed as Record<string, string>)
    done()
  })
}

/** What helmet sets, which is the same for every answer. Asked once: what stands on the raw response Node would merge with the rest each time. */
function readHeaders (reply: FastifyReply): OutgoingHttpHeaders {
  const { raw } = reply
  const others = new Set(raw.getHeaderNames())
  reply.helmet()
  const set = Object.entries(raw.getHeaders()).filter(([name]) => !others.has(name))
  for (const [name] of set) raw.removeHeader(name)
  return Object.fromEntries(set)
}

export default fp(headers, { name: 'headers' })

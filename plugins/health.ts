import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Dependency, Readiness } from '../schemas/health.ts'
import { refuse } from '../services/errors.ts'

/** `feed`: what other nodes publish arrives here. */
type Part = 'postgres' | 'redis' | 'feed'

export interface Health {
  /** Random at each start. */
  nodeId: string
  /** How a server that this node needs is doing; `reason` is for the log, which hears of changes only. */
  set: (part: Part, state: Dependency, reason?: string) => void
  /** The node is set up and may serve. */
  started: () => void
  /** The node is about to stop and wants no more traffic. */
  drain: () => void
  /** 200 when this node should get traffic, else 503. */
  readiness: () => { statusCode: 200 | 503, body: Readiness }
  /** Started, and not about to stop: new connections may come. */
  takesConnections: () => boolean
  /** @throws CHAT_UNAVAILABLE until the node has started */
  refuseUntilStarted: () => void
}

declare module 'fastify' {
  interface FastifyInstance { health: Health }
}

/** Milliseconds after which a client may ask a starting node again. */
const startRetry = 1000

function createHealth (nodeId: string, withRedis: boolean, log: FastifyBaseLogger): Health {
  const parts: Record<Part, Dependency> = { postgres: 'down', redis: withRedis ? 'down' : 'unused', feed: withRedis ? 'up' : 'unused' }
  let isStarted = false
  let isDraining = false

  function status (): Readiness['status'] {
    if (isDraining) return 'draining'
    if (!isStarted) return 'starting'
    if (parts.postgres === 'down') return 'unavailable'
    if (parts.redis === 'down') return 'degraded'
    return parts.feed === 'down' ? 'unavailable' : 'ready'
  }

  return {
    nodeId,
    set (part, state, reason) {
      if (parts[part] === state) return
      parts[part] = state
      log[state === 'down' ? 'warn' : 'info']({ part, state, reason }, 'dependency changed')
    },
    started () { isStarted = true },
    drain () { isDraining = true },
    readiness () {
      const body = { status: status(), ...parts }
      return { statusCode: body.status === 'ready' || body.status === 'degraded' ? 200 : 503, body }
    },
    takesConnections: () => isStarted && !isDraining,
    refuseUntilStarted () {
      if (!isStarted) throw refuse('CHAT_UNAVAILABLE', { message: 'The node is starting', retryAfterMs: startRetry })
    }
  }
}

async function health (fastify: FastifyInstance) {
  fastify.decorate('health', createHealth(randomUUID(), fastify.config.redis.url !== undefined, fastify.log))
}

export default fp(health, { name: 'health', dependencies: ['config'] })

import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { refuse } from '../services/errors.ts'

const SAMPLE_MS = 1000

declare module 'fastify' {
  interface FastifyInstance {
    /** For work that can be done later or by another node. @throws CHAT_UNAVAILABLE while this one cannot keep up */
    refuseUnderPressure: () => void
  }
}

/** A node whose event loop is late, or whose heap is nearly full, takes no more on: requests and joins are refused, those who are there go on. */
async function pressure (fastify: FastifyInstance) {
  const { maxDelay, maxHeap } = fastify.config.pressure
  // A host server that has it registered decides for us too.
  if (!fastify.hasDecorator('isUnderPressure')) {
    await fastify.register(underPressure, {
      sampleInterval: SAMPLE_MS,
      maxEventLoopDelay: maxDelay,
      maxHeapUsedBytes: Math.floor(getHeapStatistics().heap_size_limit * maxHeap / 100),
      // Which routes refuse is said there: health and metrics always answer.
      pressureHandler: () => {}
    })
  }
  fastify.decorate('refuseUnderPressure', function refuseUnderPressure () {
    if (fastify.isUnderPressure()) throw refuse('CHAT_UNAVAILABLE', { message: 'This node has too much to do', retryAfterMs: SAMPLE_MS })
  })
}

export default fp(pressure, { name: 'pressure', dependencies: ['config'] })

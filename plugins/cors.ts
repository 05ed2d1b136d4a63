import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** Pages of the allowed origins may call the REST routes; the same list guards the socket (plugins/io.ts). */
async function corsPlugin (fastify: FastifyInstance) {
  // A host server that has it registered decides for our routes too.
  if (fastify.hasRequestDecorator('corsPreflightEnabled')) return
  const { origins } = fastify.config
  await fastify.register(cors, {
    origin: origins === '*' ? '*' : origins,
    methods: ['GET', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['ETag', 'Retry-After'],
    strictPreflight: false
  })
}

export default fp(corsPlugin, { name: 'cors', dependencies: ['config'] })

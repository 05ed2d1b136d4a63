import type { FastifyInstance } from 'fastify'
import { Strict } from '../../schemas/common.ts'
import auth from './auth.ts'
import cafes from './cafes.ts'
import docs from './docs.ts'
import health from './health.ts'
import home from './home.ts'
import messages from './messages.ts'
import metrics from './metrics.ts'
import presence from './presence.ts'
import revocations from './revocations.ts'
import topics from './topics.ts'

const NoQuery = Strict({})

/** Every REST route. All of them move with the prefix that the app was registered under. */
export default async function rest (fastify: FastifyInstance) {
  // These answer from the first moment on: they are how one learns that the node is still starting.
  fastify.register(home)
  fastify.register(docs)
  fastify.register(health)
  fastify.register(metrics)
  fastify.register(api)
}

async function api (fastify: FastifyInstance) {
  // A query where none is expected is a mistake like any other unknown field, and may be a token that would end up in logs.
  fastify.addHook('onRoute', function refuseQuery ({ schema }) {
    if (schema !== undefined) schema.querystring ??= NoQuery
  })
  fastify.addHook('onRequest', function refuseEarly (_request, _reply, done) {
    fastify.health.refuseUntilStarted()
    fastify.refuseUnderPressure()
    done()
  })
  fastify.register(auth)
  fastify.register(revocations)
  fastify.register(cafes)
  fastify.register(messages)
  fastify.register(presence)
  fastify.register(topics)
}

import type { FastifyInstance } from 'fastify'
import address from './plugins/address.ts'
import authenticate from './plugins/authenticate.ts'
import config from './plugins/config.ts'
import cors from './plugins/cors.ts'
import docs from './plugins/docs.ts'
import errors from './plugins/errors.ts'
import headers from './plugins/headers.ts'
import health from './plugins/health.ts'
import io from './plugins/io.ts'
import issuers from './plugins/issuers.ts'
import jwt from './plugins/jwt.ts'
import metrics from './plugins/metrics.ts'
import newestPage from './plugins/newest-page.ts'
import pg from './plugins/pg.ts'
import pressure from './plugins/pressure.ts'
import redis from './plugins/redis.ts'
import reporter from './plugins/reporter.ts'
import secret from './plugins/secret.ts'
import services from './plugins/services.ts'
import slowConsumers from './plugins/slow-consumers.ts'
import socket from './plugins/socket.ts'
import startup from './plugins/startup.ts'
import stores from './plugins/stores.ts'
import tokenWatch from './plugins/token-watch.ts'
import validation from './plugins/validation.ts'
import writeCoalescing from './plugins/write-coalescing.ts'
import rest from './routes/rest/index.ts'
import socketEvents from './routes/socket/index.ts'
import type { Config } from './schemas/config.ts'

export { loadConfig } from './plugins/config.ts'
export type { Config } from './schemas/config.ts'

/**
 * klatsch as a plugin of any Fastify 5 server. Register it once; under a prefix the REST routes move along, the socket's
 * path is `config.socket.path`.
 * @param options.config from `loadConfig(environment)`
 */
export default async function klatsch (fastify: FastifyInstance, options: { config: Config }) {
  // What others stand on.
  await fastify.register(config, options)
  await fastify.register(metrics)
  await fastify.register(validation)
  await fastify.register(docs)
  await fastify.register(errors)
  await fastify.register(reporter)
  await fastify.register(health)
  await fastify.register(address)
  await fastify.register(headers)
  await fastify.register(cors)
  await fastify.register(pressure)

  // Servers that this node needs, and the drivers over them.
  await fastify.register(pg)
  await fastify.register(redis)
  await fastify.register(stores)

  // Sockets, rules, and who may use them. On close the order is the reverse.
  await fastify.register(io)
  await fastify.register(writeCoalescing)
  await fastify.register(services)
  await fastify.register(secret)
  await fastify.register(jwt)
  await fastify.register(issuers)
  await fastify.register(authenticate)
  await fastify.register(tokenWatch)
  await fastify.register(socket)
  await fastify.register(slowConsumers)
  await fastify.register(newestPage)
  await fastify.register(startup)

  await fastify.register(rest)
  await fastify.register(socketEvents)
}

#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises'
import closeWithGrace from 'close-with-grace'
import Fastify, { LogController } from 'fastify'
import fp from 'fastify-plugin'
import klatsch, { loadConfig } from './app.ts'
import { clientError, frameworkErrors, notFound, toLog } from './plugins/errors.ts'

/** Less than what supervisors give a process to stop (10 s), more than the drain and the database need. */
const GRACE_MS = 9000
/** The first start makes a database. */
const BOOT_MS = 120_000

const config = readConfig()

const fastify = Fastify({
  logger: { level: config.logLevel, redact: ['req.headers.authorization'] },
  // What is refused or fails is logged by plugins/errors.ts; a line for every request would cost more than it tells.
  logController: new LogController({ disableRequestLogging: true }),
  trustProxy: config.trustProxy.length > 0 ? config.trustProxy : false,
  bodyLimit: config.socket.maxPayload,
  pluginTimeout: BOOT_MS,
  forceCloseConnections: true,
  // What is under way while this node stops is still answered, by us.
  return503OnClosing: false,
  frameworkErrors,
  clientErrorHandler: clientError
})

let stopping = false
const booted = boot()

closeWithGrace({ delay: GRACE_MS, logger: fastify.log }, async function close ({ err, signal }) {
  stopping = true
  if (err !== undefined) fastify.log.fatal({ err: toLog(err) }, 'stopping after an error')
  // Closed in the middle of its boot a server would never come to an end. Whether it booted is told below.
  await Promise.allSettled([booted])
  const isServing = fastify.hasDecorator('health') && fastify.health.takesConnections()
  if (isServing && signal === 'SIGTERM') await drain()
  await fastify.close()
})

/** No new connections; requests are answered as before, until those who send them have had time to see it. */
async function drain () {
  fastify.health.drain()
  await sleep(config.drainWait)
}

try {
  const url = await booted
  await fastify.startup
  if (!stopping) fastify.log.info({ url }, `klatsch is ready at ${url}`)
} catch (error) {
  if (!stopping) await giveUp(error)
}

/** Resolves with the URL as soon as the server listens, which may be before it is ready. */
async function boot () {
  // As it is alone here, what it decorates may be seen by the whole server.
  await fastify.register(fp(async function whole (fastify) { await klatsch(fastify, { config }) }))
  fastify.setNotFoundHandler(notFound)
  if (stopping) return ''
  const address = await fastify.listen({ host: config.host, port: config.port }).catch((error: Error) => {
    throw new Error(`HOST ${config.host}, PORT ${config.port}: ${error.message}`, { cause: error })
  })
  return address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

async function giveUp (error: unknown) {
  fastify.log.fatal({ err: toLog(error) }, `klatsch cannot start: ${(error as Error).message}`)
  await fastify.close()
  process.exit(1)
}

function readConfig () {
  try {
    return loadConfig(process.env)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1)
  }
}

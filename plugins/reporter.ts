import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Reporter } from '../services/ports.ts'
import { toLog } from './errors.ts'

declare module 'fastify' {
  interface FastifyInstance { reporter: Reporter }
}

const QUIET_MS = 10_000

/** Logs failures that answer nobody: each kind at most once in ten seconds, with the number that were kept back. */
async function reporter (fastify: FastifyInstance) {
  const kinds = new Map<string, { at: number, kept: number }>()

  function warn (error: unknown, what: string) {
    const time = Date.now()
    const kind = kinds.get(what)
    if (kind !== undefined && time - kind.at < QUIET_MS) {
      kind.kept++
      return
    }
    kinds.set(what, { at: time, kept: 0 })
    fastify.log.warn({ err: toLog(error), what, ...(kind !== undefined && kind.kept > 0 && { alsoBefore: kind.kept }) }, 'went on without')
  }

  fastify.decorate('reporter', { warn })
}

export default fp(reporter, { name: 'reporter' })

import { existsSync, readFileSync } from 'node:fs'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Ref } from '../../schemas/common.ts'
import { Index } from '../../schemas/health.ts'
import { failures } from './failures.ts'

const home: FastifyPluginAsyncTypebox = async function home (fastify) {
  const { prefix } = fastify
  const { name, version } = readPackage()
  const index: Index = {
    name,
    version,
    links: {
      guest: `${prefix}/api/auth/guest`,
      cafes: `${prefix}/api/cafes`,
      socket: fastify.config.socket.path,
      live: `${prefix}/health/live`,
      ready: `${prefix}/health/ready`,
      metrics: `${prefix}/metrics`
    }
  }

  fastify.route({
    method: 'GET',
    url: '/',
    schema: {
      summary: 'Where things are',
      tags: ['home'],
      response: { 200: Ref(Index), ...failures(500) }
    },
    handler: async function onHome () {
      return index
    }
  })
}

/** This file runs as a source and, one folder deeper, as compiled output. */
function readPackage (): { name: string, version: string } {
  const files = ['../../package.json', '../../../package.json'].map(path => new URL(path, import.meta.url))
  return JSON.parse(readFileSync(files.find(file => existsSync(file))!, 'utf8'))
}

export default home

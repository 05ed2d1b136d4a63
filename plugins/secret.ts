import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** What tokens are signed with: JWT_SECRET, or one that was made here and is kept in DATA_DIR. */
    secret: string
  }
}

async function secret (fastify: FastifyInstance) {
  const { config, log } = fastify
  fastify.decorate('secret', config.jwt.secret ?? await keepSecret(config.dataDir))
  if (config.jwt.secret === undefined) log.warn({ folder: config.dataDir }, 'no JWT_SECRET: tokens are signed with one that was made here and are worth nothing on another node')
}

/** The first process to come makes it, the others read that one. */
async function keepSecret (dataDir: string): Promise<string> {
  const file = join(dataDir, 'jwt-secret')
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  try {
    await writeFile(file, randomBytes(48).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return (await readFile(file, 'utf8')).trim()
}

export default fp(secret, { name: 'secret', dependencies: ['config'] })

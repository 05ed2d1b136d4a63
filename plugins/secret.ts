import { randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
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
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    return await keepIn(join(dataDir, 'jwt-secret'))
  } catch (error) {
    throw new Error(`DATA_DIR ${dataDir} cannot keep the secret of the tokens: ${(error as Error).message}`, { cause: error })
  }
}

async function keepIn (file: string): Promise<string> {
  const draft = `${file}.${randomUUID()}`
  try {
    await writeFile(draft, randomBytes(48).toString('base64url'), { mode: 0o600, flush: true })
    // It is whole when it gets its name, so that nobody ever reads half of it, not even after a sudden death.
    await link(draft, file).catch(unlessKept)
  } finally {
    await rm(draft, { force: true })
  }
  return (await readFile(file, 'utf8')).trim()
}

function unlessKept (error: NodeJS.ErrnoException) {
  /* c8 ignore next: a file system without hard links */
  if (error.code !== 'EEXIST') throw error
}

export default fp(secret, { name: 'secret', dependencies: ['config'] })

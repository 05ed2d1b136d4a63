import fastifyJwt from '@fastify/jwt'
import fastify from 'fastify'
import { Redis } from 'ioredis'
import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { io, type Socket } from 'socket.io-client'
import { createDatabase, startRedis, startServer, type OwnRedis, type Scope } from '../support/servers.ts'
import { startLiteral, type LiteralProcess, type LiteralProcessOptions } from './literal/start.ts'

export interface Person { id: string, username: string, token: string }

type ServerProcess = Omit<LiteralProcess, 'stop'>

/** All that a check may know of a server: how to reach it, its two databases, and how to make people and cafes. */
export interface BlackBox extends ServerProcess {
  pg: pg.Pool
  redis: Redis
  /** The server's own Redis process. */
  redisServer: OwnRedis
  person: (username: string) => Promise<Person>
  /** Makes a cafe, answers its id. */
  cafe: () => Promise<string>
  /** A stock socket.io client that begins to connect; it is closed with the test. */
  connect: (person: Person) => Socket
  /** One more process of the same server on the same databases. */
  sibling: () => Promise<BlackBox>
}

interface Kind {
  start: (t: Scope, options: Required<LiteralProcessOptions>) => Promise<ServerProcess>
  /** What has to exist in the database before a token of that person is good for anything. */
  enrol: (pool: pg.Pool, person: Person) => Promise<void>
  openCafe: (pool: pg.Pool, url: string, owner: Person) => Promise<string>
}

const literal: Kind = {
  start: startLiteral,
  async enrol (pool, { id, username }) {
    await pool.query('insert into users (id, username) values ($1, $2)', [id, username])
  },
  async openCafe (pool) {
    const { rows } = await pool.query<{ id: string }>("insert into cafes (name) values ('Corner Table') returning id")
    return rows[0]!.id
  }
}

const klatsch: Kind = {
  async start (t, { databaseUrl, redisUrl, jwtSecret, env }) {
    // Checks send faster than people do, so the limits are off.
    const server = await startServer(t, { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, JWT_SECRET: jwtSecret, CHAT_LIMITS: 'off', ...env })
    return {
      url: server.url,
      logs: server.logs,
      exited () {
        const { exitCode, signalCode } = server.child
        return exitCode === null && signalCode === null ? undefined : { code: exitCode, signal: signalCode }
      },
      async kill () {
        server.kill('SIGKILL')
        return await server.exited
      }
    }
  },
  async enrol () {
    // A valid token is enough: klatsch writes the user when it sees the first one.
  },
  async openCafe (_pool, url, owner) {
    const response = await fetch(`${url}/api/cafes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Corner Table' })
    })
    if (response.status !== 201) throw new Error(`no cafe: ${response.status} ${await response.text()}`)
    return ((await response.json()) as { id: string }).id
  }
}

export const startLiteralBox = async (t: Scope, env: Record<string, string>) => await startBox(t, literal, env)
export const startKlatschBox = async (t: Scope, env: Record<string, string>) => await startBox(t, klatsch, env)

async function startBox (t: Scope, kind: Kind, env: Record<string, string>): Promise<BlackBox> {
  const jwtSecret = randomBytes(32).toString('hex')
  const databaseUrl = await createDatabase(t)
  const redisServer = await startRedis(t)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  const redis = new Redis(redisServer.url)
  // A check may take Redis away: the client comes back by itself, and the commands of the check fail if it does not.
  redis.on('error', () => {})
  t.teardown(async () => {
    redis.disconnect()
    await pool.end()
  })
  // The zone of the database decides what a column without zone means, so it must not depend on the machine.
  await pool.query(`alter database "${new URL(databaseUrl).pathname.slice(1)}" set timezone to 'UTC'`)
  const signer = fastify()
  await signer.register(fastifyJwt, { secret: jwtSecret, sign: { expiresIn: '1h' } })
  return await startNode()

  async function startNode (): Promise<BlackBox> {
    const { url, logs, exited, kill } = await kind.start(t, { databaseUrl, redisUrl: redisServer.url, jwtSecret, env })
    return { url, logs, exited, kill, pg: pool, redis, redisServer, person, cafe, connect, sibling: startNode }

    async function cafe (): Promise<string> {
      return await kind.openCafe(pool, url, await person('owner'))
    }

    function connect (person: Person): Socket {
      const client = io(url, { auth: { token: person.token }, forceNew: true })
      t.teardown(() => client.disconnect())
      return client
    }
  }

  async function person (username: string): Promise<Person> {
    const id = randomUUID()
    const person = { id, username, token: signer.jwt.sign({ sub: id, username }) }
    await kind.enrol(pool, person)
    return person
  }
}

import type { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { User } from '../../../schemas/users.ts'
import { listen } from '../../support/build.ts'
import { startRedis } from '../../support/servers.ts'
import { type Client, ask, connect, openCafe } from '../../support/sockets.ts'

export type Node = Awaited<ReturnType<typeof listen>>

/** A user of an app. `tab`: another socket of theirs, on any node. */
export interface Someone {
  user: User
  token: string
  socket: Client
  tab: (app: Node, options?: Parameters<typeof connect>[3]) => Promise<Client>
}

/** A user with a socket. `role`: as their token says. */
export async function enter (t: Test, app: Node, username: string, role: User['role'] = 'member'): Promise<Someone> {
  const user: User = { ...await app.services.accounts.welcome(username), role }
  const { token } = app.issue(user)
  const tab: Someone['tab'] = (app, options) => connect(t, app, token, options)
  return { user, token, socket: await tab(app), tab }
}

/** A user who has joined a cafe. */
export async function visit (t: Test, app: Node, username: string, cafeId: string): Promise<Someone> {
  const someone = await enter(t, app, username)
  await ask(someone.socket, 'join:cafe', { cafeId })
  return someone
}

/** A new cafe, by a user who is not in it. */
export async function found (app: Node, name?: string) {
  const { token } = app.issue(await app.services.accounts.welcome('founder'))
  return openCafe(app, { token }, name)
}

/** Two nodes on one database and one Redis of their own. */
export async function listenTwice (t: Test, env: Record<string, string> = {}) {
  const redis = await startRedis(t)
  const one = await listen(t, { ...env, REDIS_URL: redis.url })
  const two = await listen(t, { ...env, REDIS_URL: redis.url, DATABASE_URL: one.databaseUrl })
  return { one, two, redis }
}

/**
 * One node without Redis (`app`) and two with it (`one`, `two`), for all tests of a file: they share nodes, not cafes.
 * `onBoth` runs a test on the first, then across the other two.
 */
export async function createShapes (t: Test, env: Record<string, string> = {}) {
  const [app, nodes] = await Promise.all([listen(t, env), listenTwice(t, env)])
  async function onBoth (name: string, run: (t: Test, here: Node, there: Node) => Promise<void>) {
    await t.test(`${name}: one node`, t => run(t, app, app))
    await t.test(`${name}: two nodes`, t => run(t, nodes.one, nodes.two))
  }
  return { onBoth, app, ...nodes }
}

export const wait = (ms: number) => new Promise<void>(resolve => { setTimeout(resolve, ms) })

/** One of a node's connections to Redis, to look into it. */
export const redisOf = (node: Node) => (node.redis as unknown as Record<string, Redis>).data0!

/** Everything that Redis holds, by key. */
export async function contents (client: Redis): Promise<Record<string, unknown>> {
  const read: Record<string, (key: string) => Promise<unknown>> = {
    string: key => client.get(key),
    list: key => client.lrange(key, 0, -1),
    set: key => client.smembers(key),
    zset: key => client.call('ZRANGE', key, '0', '-1', 'WITHSCORES'),
    hash: key => client.hgetall(key)
  }
  const found: Record<string, unknown> = {}
  for (const key of await client.keys('*')) found[key] = await read[await client.type(key)]?.(key)
  return found
}

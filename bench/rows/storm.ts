import { countQueries } from '../../test/chaos/queries.ts'
import { startBare, startKlatsch, type Contestant, type KlatschOptions } from '../contestants.ts'
import { writeMessages } from '../database.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { startLoad } from '../load/start.ts'
import { withScope } from '../rig.ts'
import type { Scope } from '../../test/support/servers.ts'

const CLIENTS = 2000
/** As many as a server's backlog holds. */
const AT_ONCE = 500
const MESSAGES = 100

interface Storm { cpuMs: number, storesMs: number, seconds: number, queries: number }

/** 2,000 clients whom the server does not know connect and join one cafe, and get its newest 50 messages. A new server for each round. */
export async function storm (rounds: number): Promise<Result> {
  const starts: Array<[string, (scope: Scope, name: string) => Promise<Contestant & { queries: () => number }>]> = [
    ['bare Socket.IO, 50 messages from an array', async (scope, name) => ({ ...await startBare(scope, { name, env: { HISTORY: '50' } }), queries: () => 0 })],
    ['klatsch, memory', startCounted],
    ['klatsch, memory, `CHAT_KEEP_PAGE=off`', (scope, name) => startCounted(scope, name, { env: { CHAT_KEEP_PAGE: 'off' } })],
    ['klatsch, Redis', (scope, name) => startCounted(scope, name, { redis: true })]
  ]
  const storms = new Map(starts.map(([name]) => [name, [] as Storm[]]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of starts) storms.get(name)!.push(await raise(scope => start(scope, name)))
  }
  const base = storms.get(starts[0]![0])!
  const found = table(['server', 'CPU ms', 'ratio', 'with PostgreSQL and Redis', 'seconds', 'statements of PostgreSQL'], starts.map(([name]) => {
    const own = storms.get(name)!
    const of = (figure: (storm: Storm, round: number) => number) => show(summarise(own.map(figure)))
    return [
      name,
      of(({ cpuMs }) => cpuMs),
      of(({ cpuMs }, round) => cpuMs / base[round]!.cpuMs),
      of(({ cpuMs, storesMs }, round) => (cpuMs + storesMs) / (base[round]!.cpuMs + base[round]!.storesMs)),
      of(({ seconds }) => seconds),
      of(({ queries }) => queries)
    ]
  }))
  return { table: found }
}

/** Its statements are counted on their way. */
async function startCounted (scope: Scope, name: string, { redis = false, env = {} }: Pick<KlatschOptions, 'redis' | 'env'> = {}) {
  let count = () => 0
  const contestant = await startKlatsch(scope, {
    name,
    redis,
    // No heartbeat and no comparison of heads during the storm: what is counted is what joining asks for.
    env: { CHAT_FEED_CHECK: '60000', ...env },
    async through (url) {
      const queries = await countQueries(scope, url)
      count = queries.count
      return queries.url
    }
  })
  return { ...contestant, queries: () => count() }
}

function raise (start: (scope: Scope) => Promise<Contestant & { queries: () => number }>): Promise<Storm> {
  return withScope(async scope => {
    const contestant = await start(scope)
    const { urls, ordered, acks, cpu, queries, databaseUrl } = contestant
    const cafeId = await contestant.openRoom()
    if (databaseUrl !== undefined) await writeMessages(databaseUrl, [cafeId], MESSAGES)
    const auths = await contestant.auths(CLIENTS)
    const [before, asked, began] = [cpu(), queries(), Date.now()]
    await startLoad(scope, { urls, ordered, acks, auths, inFlight: 1, atOnce: AT_ONCE, rooms: [{ cafeId, members: CLIENTS, senders: 0 }] })
    const after = cpu()
    return { cpuMs: after.nodes - before.nodes, storesMs: after.stores - before.stores, seconds: (Date.now() - began) / 1000, queries: queries() - asked }
  })
}

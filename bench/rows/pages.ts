import autocannon from 'autocannon'
import { scriptArgs } from '../../test/support/paths.ts'
import { launch, type Scope } from '../../test/support/servers.ts'
import { findUrl } from '../../test/support/server.ts'
import { startKlatsch } from '../contestants.ts'
import { writeMessages } from '../database.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { sign, withScope } from '../rig.ts'

const MESSAGES = 100
const MANY_MESSAGES = 1_000_000
const LIMIT = 50
const SECONDS = 3
const CONNECTIONS = 10

interface Target { name: string, url: string, headers: Record<string, string>, status: number }

/** The first page of history beside a bare Fastify route that returns the same object, whole and as `304`. */
export function first (rounds: number): Promise<Result> {
  return withScope(async scope => {
    const url = await openPage(scope, {})
    const unkept = await openPage(scope, { CHAT_KEEP_PAGE: 'off' })
    const headers = { authorization: `Bearer ${sign('reader')}` }
    const response = await fetch(url, { headers })
    const etag = response.headers.get('etag')!
    const { PATH, HOME } = process.env
    const server = await launch({ command: process.execPath, args: scriptArgs('bench/servers/route'), options: { env: { PATH, HOME, PAGE: await response.text() } }, ready: findUrl })
    scope.teardown(() => server.kill('SIGTERM'))
    return race([
      { name: 'a bare Fastify route', url: server.ready, headers: {}, status: 200 },
      { name: '`GET /api/chat/messages/{cafeId}`', url, headers, status: 200 },
      { name: 'the same with `CHAT_KEEP_PAGE=off`', url: unkept, headers, status: 200 },
      { name: '`GET` with `If-None-Match`', url, headers: { ...headers, 'if-none-match': etag }, status: 304 },
      { name: 'the bare route with `If-None-Match`', url: `${server.ready}/tagged`, headers: { 'if-none-match': '"tag"' }, status: 304 }
    ], rounds)
  })
}

/** @returns the URL of a cafe's first page */
async function openPage (scope: Scope, env: Record<string, string>): Promise<string> {
  const klatsch = await startKlatsch(scope, { name: 'klatsch, memory', env })
  const cafeId = await klatsch.openRoom()
  await writeMessages(klatsch.databaseUrl!, [cafeId], MESSAGES)
  return `${klatsch.urls[0]}/api/chat/messages/${cafeId}`
}

/** Pages of a cafe of a million messages. */
export function deep (rounds: number): Promise<Result> {
  return withScope(async scope => {
    const klatsch = await startKlatsch(scope, { name: 'klatsch, memory' })
    const cafeId = await klatsch.openRoom()
    await writeMessages(klatsch.databaseUrl!, [cafeId], MANY_MESSAGES)
    const target = (name: string, query: string): Target =>
      ({ name, url: `${klatsch.urls[0]}/api/chat/messages/${cafeId}?limit=${LIMIT}&${query}`, headers: { authorization: `Bearer ${sign('reader')}` }, status: 200 })
    return race([
      target('page 1, from PostgreSQL', `before=${MANY_MESSAGES + 1}`),
      target('page 1,000', `offset=${999 * LIMIT}`),
      target('a page in the middle', `offset=${MANY_MESSAGES / 2}`),
      target('the same by `before`', `before=${MANY_MESSAGES / 2}`),
      target('page 1, from memory', 'offset=0')
    ], rounds)
  })
}

/** The first is the yardstick. */
async function race (targets: Target[], rounds: number): Promise<Result> {
  const rates = targets.map(() => [] as number[])
  const latencies = targets.map(() => [] as number[])
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { name, url, headers, status }] of targets.entries()) {
      const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: SECONDS })
      const wanted = result.statusCodeStats?.[`${status}`]?.count ?? 0
      if (wanted === 0 || wanted !== result.requests.total || result.errors > 0) throw new Error(`${name}: ${JSON.stringify(result.statusCodeStats)}, ${result.errors} errors`)
      if (round === 0) continue
      rates[index]!.push(result.requests.average)
      latencies[index]!.push(result.latency.average)
    }
  }
  const found = table(['request', 'requests/s', 'ratio', 'mean ms'], targets.map(({ name }, index) => [
    name,
    show(summarise(rates[index]!)),
    show(summarise(rates[index]!.map((rate, round) => rate / rates[0]![round]!))),
    show(summarise(latencies[index]!))
  ]))
  return { table: found }
}

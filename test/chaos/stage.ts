import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { migrate } from '../../stores/postgres/migrate.ts'
import { createDatabase, createTemplate, startRedis, startServer, type OwnRedis, type OwnServer } from '../support/servers.ts'
import { judge, type Verdict } from './checker.ts'
import { createCrowd } from './crowd.ts'
import type { Told, Tables } from './records.ts'
import { readTables } from './tables.ts'

export type Crowd = Awaited<ReturnType<typeof createCrowd>>
export interface Stage { redis: OwnRedis, databaseUrl: string, nodes: OwnServer[], crowd: Crowd }

const CLIENTS = 30
const CAFES = 4
const PER_SECOND = 30
const SECONDS = 8
const BREAK_AFTER_MS = 2000
/** From the last ack until every client has everything. */
const QUIET_MS = 10_000

export const environment = { JWT_SECRET: 'a secret of the chaos tests, long enough', CHAT_USER_RATE: '100000', CHAT_CAFE_RATE: '1000000', CHAT_HISTORY_LIMIT: '100' }

/**
 * Real node processes on one database and one Redis of their own, and a crowd of stock clients.
 * @param redisUrl by which way node `index` reaches Redis
 */
export async function setUp (t: Test, { nodes = 2, clients = CLIENTS, redisUrl = async (url: string) => url }: { nodes?: number, clients?: number, redisUrl?: (url: string, index: number) => Promise<string> } = {}): Promise<Stage> {
  const [redis, databaseUrl] = await Promise.all([startRedis(t), createTemplate('klatsch', migrate).then(template => createDatabase(t, template))])
  const started = await Promise.all(Array.from({ length: nodes }, async (_, index) =>
    startServer(t, { ...environment, DATABASE_URL: databaseUrl, REDIS_URL: await redisUrl(redis.url, index) })))
  const crowd = await createCrowd(t, started, { clients, cafes: CAFES })
  return { redis, databaseUrl, nodes: started, crowd }
}

/** The sum of a counter of /metrics over its labels. */
export async function counter ({ url }: { url: string }, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.split('\n').filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/**
 * Lets the crowd talk, breaks something in the middle of it, waits until all is quiet, and judges.
 * @param fault resolves when everything is whole again
 * @param killed nodes that the fault kills for good
 */
export async function run (t: Test, stage: Stage, fault: () => Promise<unknown>, killed: OwnServer[] = []): Promise<Verdict> {
  const { crowd, nodes, databaseUrl } = stage
  const talking = crowd.talk(PER_SECOND, SECONDS)
  await delay(BREAK_AFTER_MS)
  const brokenAt = Date.now()
  await fault()
  const healedAt = Date.now()
  await talking

  const quietBy = Date.now() + QUIET_MS
  let tables = await readTables(databaseUrl)
  const revOf = (cafeId: string) => tables.heads.find(head => head.cafe_id === cafeId)!.rev
  const isQuiet = () => crowd.records.members.every(({ cafeId, steps }) => steps.at(-1)!.rev === revOf(cafeId))
  while (!isQuiet() && Date.now() < quietBy) {
    await delay(50)
    tables = await readTables(databaseUrl)
  }
  // Whatever would come twice has time to come.
  await delay(300)
  tables = await readTables(databaseUrl)
  const verdict = judge(crowd.records, tables, { brokenAt, healedAt })

  const alive = nodes.filter(node => !killed.includes(node))
  await compareCopies(t, stage, alive, tables)
  const [repairs, gaps, dropped] = await Promise.all(['chat_feed_repairs_total', 'chat_feed_gaps_total', 'chat_dropped_frames_total'].map(async name =>
    (await Promise.all(alive.map(node => counter(node, name)))).reduce((sum, count) => sum + count, 0)))
  for (const { socket } of crowd.members) socket.disconnect()
  const codes = await Promise.all(alive.map(node => node.stop()))

  const { records: { members, attempts } } = crowd
  t.comment(`broken for ${healedAt - brokenAt} ms; ${members.length} clients, ${nodes.length} nodes`)
  t.comment(JSON.stringify(verdict))
  t.comment(JSON.stringify({ repeated: attempts.filter(({ tries }) => tries > 1).length, gaps, repairs, dropped, exits: codes }))
  t.same(codes, alive.map(() => 0), 'the nodes end when they are asked to, with 0')
  return verdict
}

/** REST of every node and the list in Redis say what the database says. */
async function compareCopies (t: Test, { crowd, redis }: Stage, nodes: OwnServer[], tables: Tables) {
  const client = new Redis(redis.url)
  t.teardown(() => client.disconnect())
  const { token } = crowd.members[0]!.session
  for (const cafeId of crowd.cafeIds) {
    const newest = tables.messages.filter(row => row.cafe_id === cafeId).toSorted((a, b) => b.seq - a.seq).slice(0, 100).map(toLine)
    for (const { url } of nodes) {
      const response = await fetch(`${url}/api/chat/messages/${cafeId}?limit=100`, { headers: { authorization: `Bearer ${token}` } })
      const { messages } = await response.json() as { messages: Told[] }
      t.same(messages.map(toLine), newest, 'a page of REST')
    }
    const list = await client.lrange(`cafe:${cafeId}:messages`, 0, -1)
    if (list.length > 0) t.same(list.map(text => toLine(JSON.parse(text) as Told)), newest, 'the list in Redis')
  }
}

const toLine = ({ id, seq, rev, content, deleted }: Told) => `${seq} ${id} ${rev} ${content} ${deleted}`

/** What holds whatever was broken. `repairMs`: 99 of 100 late changes have come so long after the healing. */
export function hold (t: Test, verdict: Verdict, { repairMs = 2000 }: { repairMs?: number } = {}) {
  t.ok(verdict.attempted > PER_SECOND * SECONDS / 2, `${verdict.attempted} sends`)
  t.equal(verdict.acked, verdict.attempted, 'each was acked in the end')
  for (const name of ['refused', 'hung', 'ackedLost', 'storedTwice', 'unattempted', 'changesLost', 'brokenLogs', 'lost', 'doubled', 'disordered', 'phantoms'] as const) {
    t.equal(verdict[name], 0, name)
  }
  inTime(t, verdict, 'repairP99', repairMs)
}

/** A time is kept, but for what the machine itself is late: the slowest ack while nothing was broken, three times. */
export function inTime (t: Test, verdict: Verdict, name: 'ackMax' | 'nearP99' | 'repairP99', ms: number) {
  t.ok(verdict[name] <= ms + 3 * verdict.calmMax, `${name}: ${verdict[name]} ms of ${ms}, calm: ${verdict.calmMax}`)
}

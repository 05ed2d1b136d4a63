import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { migrate } from '../../stores/postgres/migrate.ts'
import { startBalancer, type Balancer } from '../support/balancer.ts'
import { createDatabase, createTemplate, startRedis, startServer, type Exit, type OwnRedis, type OwnServer } from '../support/servers.ts'
import { follow, judge, type Verdict } from './checker.ts'
import { compareCopies, comparePresence, counter } from './copies.ts'
import { createCrowd, within, type Crowd } from './crowd.ts'
import { balancedDoors, directDoors, type Doors, type Options } from './doors.ts'
import type { Fault, MemberRecord, Tables } from './records.ts'
import { size } from './sizes.ts'
import { readTables } from './tables.ts'

type Env = Record<string, string>

export interface Stage {
  redis: OwnRedis
  /** Past everything that a test puts between a node and the database. */
  databaseUrl: string
  /** Those that run now; one that was started anew is in the place of the one before. */
  nodes: OwnServer[]
  crowd: Crowd
  /** In the full size. */
  balancer?: Balancer
  /** Ends a node and starts another in its place, somewhere else; resolves when it takes part. */
  restart: (index: number) => Promise<Exit>
  /** The same, but the end is SIGKILL. */
  replace: (index: number) => Promise<Exit>
  /** Nodes that the test kills: how they end is no fault. */
  killed: Set<OwnServer>
}

export interface Plan {
  /** In the small size; the full one has its own number. */
  nodes?: number
  clients?: number
  cafes?: number
  redisArgs?: string[]
  /** A database of the test's own, instead of a new one on the run's PostgreSQL. */
  databaseUrl?: string
  /** Variables of one node, given what it would get. */
  env?: (env: Env & { DATABASE_URL: string, REDIS_URL: string }, index: number) => Env | Promise<Env>
  /** Of every client; without them it is a stock one. */
  options?: Options
  /** How clients get to the nodes; without it by the balancer, or directly where there is none. */
  doors?: (nodes: OwnServer[]) => Doors | Promise<Doors>
}

export interface Show {
  /** Which one, when a test file shows several. */
  label?: string
  perSecond?: number
  /** The log must not have grown for so long before it is judged: more than the default where a node may still do what nobody waits for. */
  settleMs?: number
}

/** From the last ack until every client has everything. */
const QUIET_MS = 10_000
/** Whatever would come twice has time to come. */
const SETTLE_MS = 300
/** Of clients that heard something wrong, so many are told of. */
const MAX_STORIES = 3

export const environment = { JWT_SECRET: 'a secret of the chaos tests, long enough', CHAT_USER_RATE: '100000', CHAT_CAFE_RATE: '1000000', CHAT_HISTORY_LIMIT: '100', ...size.env }

/** Real node processes on one database and one Redis of their own, in the full size behind a balancer, and a crowd of stock clients. */
export async function setUp (t: Test, plan: Plan = {}): Promise<Stage> {
  const [redis, databaseUrl] = await Promise.all([
    startRedis(t, { args: plan.redisArgs ?? [] }),
    plan.databaseUrl ?? createTemplate('klatsch', migrate).then(template => createDatabase(t, template))
  ])
  const start = async (_: unknown, index: number) => {
    const env = { ...environment, DATABASE_URL: databaseUrl, REDIS_URL: redis.url }
    return startServer(t, { ...env, ...await plan.env?.(env, index) })
  }
  const nodes = await Promise.all(Array.from({ length: size.balanced ?? plan.nodes ?? 2 }, start))
  const balancer = size.balanced === undefined || plan.doors !== undefined ? undefined : await startBalancer(t, nodes.map(({ url }) => url))
  const doors = await plan.doors?.(nodes) ?? (balancer === undefined ? directDoors(nodes, plan.options) : balancedDoors(t, balancer, plan.options))
  const killed = new Set<OwnServer>()
  const crowd = await createCrowd(t, nodes, doors, { clients: plan.clients ?? size.clients, cafes: plan.cafes ?? size.cafes })

  async function startAnew (index: number) {
    const exit = await nodes[index]!.exited
    nodes[index] = await start(undefined, index)
    await balancer?.replace(index, nodes[index].url)
    await within('it takes part', async () => (await balancer?.up())?.includes(index) ?? true)
    return exit
  }
  async function restart (index: number) {
    t.equal(await nodes[index]!.stop(), 0, `node ${index} ends when it is asked to, with 0`)
    return startAnew(index)
  }
  function replace (index: number) {
    const node = nodes[index]!
    killed.add(node)
    node.kill('SIGKILL')
    return startAnew(index)
  }
  return { redis, databaseUrl, nodes, crowd, ...(balancer && { balancer }), restart, replace, killed }
}

/**
 * Lets the crowd talk, breaks something in the middle of it, and finishes.
 * @param fault resolves when everything is whole again
 */
export async function run (t: Test, stage: Stage, fault: () => Promise<unknown>, show: Show = {}): Promise<Verdict> {
  const { crowd } = stage
  const breaking = delay(size.breakAfterMs).then(async () => {
    await crowd.locate()
    const brokenAt = Date.now()
    await fault()
    return { brokenAt, healedAt: Date.now() }
  })
  // Nobody comes or goes any more: from now on it must become right.
  const watching = breaking.then(({ healedAt }) => comparePresence(t, copiesOf(stage), healedAt))
  const talking = crowd.talk({ perSecond: show.perSecond ?? size.perSecond, seconds: size.seconds, over: breaking })
  const [times, presenceMs] = await Promise.all([breaking, watching, talking])
  t.comment(`presence exact ${presenceMs} ms after all was whole again`)
  return finish(t, stage, times, show)
}

const alive = ({ nodes }: Stage) => nodes.filter(({ child }) => child.exitCode === null && child.signalCode === null)
const copiesOf = (stage: Stage) => ({ crowd: stage.crowd, redisUrl: stage.redis.url, nodes: alive(stage) })

/** Waits until all is quiet, judges what was written down, compares the copies, and ends the nodes. One line of figures goes to main.ts. */
export async function finish (t: Test, stage: Stage, times: Fault, { label, settleMs }: Show = {}): Promise<Verdict> {
  const { crowd, nodes, databaseUrl, killed } = stage
  const tables = await quiet(crowd, databaseUrl, settleMs)
  const verdict = judge(crowd.records, tables, times)

  const copies = copiesOf(stage)
  await compareCopies(t, copies, tables)
  await comparePresence(t, copies, Date.now())
  const sum = async (name: string) => (await Promise.all(copies.nodes.map(node => counter(node, name)))).reduce((total, count) => total + count, 0)
  const [gaps, repairs, dropped] = await Promise.all(['chat_feed_gaps_total', 'chat_feed_repairs_total', 'chat_dropped_frames_total'].map(sum))
  for (const { socket } of crowd.members) socket.disconnect()
  await Promise.all(alive(stage).map(node => node.stop()))
  const exits = await Promise.all(nodes.map(async node => {
    const { code, signal } = await node.exited
    return killed.has(node) ? 'killed' : signal ?? code
  }))

  const { records: { members, attempts } } = crowd
  const repeated = attempts.filter(({ tries }) => tries > 1).length
  t.comment(`broken for ${times.healedAt - times.brokenAt} ms; ${members.length} clients, ${nodes.length} nodes`)
  const file = basename(process.argv[1]!).replace(/\.test\.[jt]s$/, '')
  t.comment(`verdict ${JSON.stringify({ fault: label === undefined ? file : `${file}: ${label}`, ...verdict, repeated, gaps, repairs, dropped, exits })}`)
  for (const member of members.filter(member => heardWrong(member, tables)).slice(0, MAX_STORIES)) t.comment(storyOf(member, times))
  t.same(exits.filter(exit => exit !== 'killed' && exit !== 0), [], 'the nodes end when they are asked to, with 0')
  t.same(nodes.flatMap(node => node.logs().split('\n').filter(line => line.includes('"level":60'))), [], 'nothing was fatal')
  return verdict
}

function heardWrong (member: MemberRecord, tables: Tables): boolean {
  const { lost, doubled, disordered, phantoms } = follow(member, tables)
  return lost + doubled + disordered + phantoms > 0
}

/** What a client heard around the fault: to which rev each step brought it, and when, in milliseconds since something was broken. */
function storyOf ({ name, steps }: MemberRecord, { brokenAt, healedAt }: Fault): string {
  const near = steps.filter(({ at }) => at > brokenAt - 1000 && at < healedAt + 3000)
  const words = near.map(step => `${step.kind}${step.kind === 'history' ? ` of ${step.messages.length} (${step.recovered ? 'recovered' : 'fresh'})` : ''} ${step.rev} at ${step.at - brokenAt}`)
  return `${name} heard ${words.join(', ')}`
}

/** Waits until every client has heard the last change of its cafe, if that ever comes, and no more have come for a while. What the database says then. */
export async function quiet ({ records }: Crowd, databaseUrl: string, settleMs = SETTLE_MS): Promise<Tables> {
  const quietBy = Date.now() + QUIET_MS + settleMs
  let tables = await readTables(databaseUrl)
  for (let looked = '', settledAt = 0; Date.now() < quietBy; tables = await readTables(databaseUrl)) {
    const revs = new Map(tables.heads.map(head => [head.cafe_id, head.rev]))
    const isQuiet = records.members.every(({ cafeId, steps }) => steps.at(-1)!.rev === revs.get(cafeId))
    const now = JSON.stringify(tables.heads)
    if (!isQuiet || now !== looked) settledAt = Date.now() + settleMs
    else if (Date.now() >= settledAt) break
    looked = now
    await delay(50)
  }
  return tables
}

const CLEAN = ['refused', 'hung', 'ackedLost', 'storedTwice', 'unattempted', 'changesLost', 'brokenLogs', 'lost', 'doubled', 'disordered', 'phantoms'] as const

/** What holds whatever was broken. `repairMs`: 99 of 100 late changes have come so long after the healing. */
export function hold (t: Test, verdict: Verdict, { repairMs = 2000 }: { repairMs?: number } = {}) {
  t.ok(verdict.attempted > size.perSecond * size.seconds / 2, `${verdict.attempted} sends`)
  clean(t, verdict)
  inTime(t, verdict, 'repairP99', repairMs)
}

/** Nothing is lost, twice, out of order or made up, and everything was answered. */
export function clean (t: Test, verdict: Verdict) {
  t.equal(verdict.acked, verdict.attempted, 'each was acked in the end')
  for (const name of CLEAN) t.equal(verdict[name], 0, name)
}

/** A time is kept, but for what the machine itself is late: the slowest ack while nothing was broken, three times, and what others there may add. */
export function inTime (t: Test, verdict: Verdict, name: 'ackMax' | 'nearP99' | 'repairP99', ms: number) {
  t.ok(verdict[name] <= ms + size.patienceMs + 3 * verdict.calmMax, `${name}: ${verdict[name]} ms of ${ms}, calm: ${verdict.calmMax}`)
}

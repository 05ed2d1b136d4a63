import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../test/support/servers.ts'
import { startBare, startKlatsch, type Contestant } from '../contestants.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { startLoad } from '../load/start.ts'
import { withScope } from '../rig.ts'

/** Added to those who are there, and measured after each: 500, 1,000, 2,000. */
const STEPS = [500, 500, 1000]
const SETTLE_MS = 1000
const KINDS = ['heapUsed', 'external', 'rss'] as const

type Memory = Record<typeof KINDS[number], number>

/** On SIGWINCH, which nobody else listens to, a server collects its garbage and says what is left. */
const REPORT = `import v8 from 'node:v8'
import vm from 'node:vm'
v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc')
process.on('SIGWINCH', () => { gc(); gc(); console.log('memory ' + JSON.stringify(process.memoryUsage())) })`
const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(REPORT)}` }

/** What a connection costs that has joined a cafe and is silent: the slope over 500, 1,000 and 2,000 of them, on a new server for each round. */
export async function idle (rounds: number): Promise<Result> {
  const starts = [
    ['bare Socket.IO', startBare],
    ['klatsch, memory', startKlatsch]
  ] as const
  const slopes = new Map(starts.map(([name]) => [name, [] as Memory[]]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of starts) slopes.get(name)!.push(await weigh(name, start))
  }
  const base = slopes.get('bare Socket.IO')!
  const found = table(['server', ...KINDS.flatMap(kind => [`${kind}, kB a connection`, 'ratio'])], starts.map(([name]) => {
    const own = slopes.get(name)!
    return [name, ...KINDS.flatMap(kind => [
      show(summarise(own.map(memory => memory[kind] / 1024))),
      show(summarise(own.map((memory, round) => memory[kind] / base[round]![kind])))
    ])]
  }))
  return { table: found }
}

function weigh (name: string, start: typeof startBare | typeof startKlatsch): Promise<Memory> {
  return withScope(async scope => {
    const contestant = await start(scope, { name, env })
    const { urls, ordered, acks } = contestant
    const cafeId = await contestant.openRoom()
    const points: Array<{ clients: number, memory: Memory }> = []
    let clients = 0
    for (const members of STEPS) {
      await startLoad(scope, { urls, ordered, acks, auths: await contestant.auths(members), inFlight: 1, rooms: [{ cafeId, members, senders: 0 }] })
      clients += members
      await delay(SETTLE_MS)
      points.push({ clients, memory: await measure(contestant) })
    }
    return Object.fromEntries(KINDS.map(kind => [kind, slope(points.map(({ clients, memory }) => [clients, memory[kind]]))])) as Memory
  })
}

async function measure ({ first }: Contestant): Promise<Memory> {
  const said = () => [...first!.logs().matchAll(/^memory (\{.*\})$/gm)]
  const before = said().length
  first!.kill('SIGWINCH')
  await until('the server says what it needs', () => said().length > before, 10_000)
  return JSON.parse(said().at(-1)![1]!) as Memory
}

/** Of the line with the least squares. */
function slope (points: Array<[x: number, y: number]>): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}

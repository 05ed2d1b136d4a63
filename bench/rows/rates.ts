import { startBare, startKlatsch, type Contestant } from '../contestants.ts'
import { show, summarise, table, type Chart, type Result } from '../figures.ts'
import { withScope } from '../rig.ts'
import { HOT, inTurns, seat } from '../rounds.ts'

/** Sends a second, and the most that a contestant is asked for: beyond that it would be late, and cost nothing else. */
const RATES = [20, 100, 400, 1000]
const MOST_OF_BARE = 100

/** What a delivery costs when little is said and when much is. */
export function rates (rounds: number): Promise<Result> {
  return withScope(async scope => {
    const contestants = [
      { ...await startBare(scope, { name: 'bare Socket.IO' }), most: MOST_OF_BARE },
      { ...await startKlatsch(scope, { name: 'klatsch, memory' }), most: Infinity },
      { ...await startKlatsch(scope, { name: 'klatsch, Redis', redis: true }), most: Infinity }
    ]
    const crowds = await seat<Contestant & { most: number }>(scope, contestants, HOT)
    const points: Chart['points'] = []
    for (const rate of RATES) {
      const measured = await inTurns(new Map([...crowds].filter(([{ most }]) => rate <= most)), rounds, rate)
      for (const [{ name }, own] of measured) points.push({ series: name, x: rate, ...summarise(own.map(({ perDelivery }) => perDelivery)) })
    }
    const cell = (name: string, rate: number) => {
      const point = points.find(({ series, x }) => series === name && x === rate)
      return point === undefined ? 'more than it can' : show(point)
    }
    return {
      table: table(['CPU µs a delivery', ...RATES.map(rate => `${rate} sends/s`)], contestants.map(({ name }) => [name, ...RATES.map(rate => cell(name, rate))])),
      chart: { x: 'sends a second', y: 'CPU µs a delivery', points }
    }
  })
}

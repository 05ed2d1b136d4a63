import { setTimeout as delay } from 'node:timers/promises'
import type { Scope } from '../test/support/servers.ts'
import type { Contestant } from './contestants.ts'
import { percentile } from './figures.ts'
import type { Plan } from './load/plan.ts'
import { startLoad, type Load } from './load/start.ts'

/** One contestant in one round. Costs in microseconds of CPU. */
export interface Measured {
  perDelivery: number
  perSend: number
  /** PostgreSQL and Redis, for each send */
  storesPerSend: number
  deliveriesPerSecond: number
  sendsPerSecond: number
  /** open loop: from when a send was due to the copy that is timed, milliseconds */
  p50: number
  p99: number
  /** share of one core that the load generator used */
  generatorBusy: number
}

export interface Work extends Pick<Plan, 'inFlight' | 'timedAt' | 'stock'> {
  rooms: number
  members: number
  senders: number
}

/** A crowded cafe, and many small ones. */
export const HOT: Work = { rooms: 1, members: 200, senders: 20, inFlight: 2 }
export const MANY: Work = { rooms: 50, members: 4, senders: 2, inFlight: 4 }

/** Contestants with their crowds. */
export type Crowds<C extends Contestant = Contestant> = Map<C, Load>

const WARM_UP_MS = 1000
const ROUND_MS = 4000
/** Above this share of a core the generator measures itself. */
const MOST_BUSY = 0.95

/** The same crowd for each contestant, connected and joined. */
export async function seat<C extends Contestant> (scope: Scope, contestants: C[], work: Work): Promise<Crowds<C>> {
  const crowds: Crowds<C> = new Map()
  for (const contestant of contestants) crowds.set(contestant, await seatOne(scope, contestant, work))
  return crowds
}

export async function seatOne (scope: Scope, { urls, ordered, acks, auths, openRoom }: Contestant, { rooms, members, senders, ...loop }: Work): Promise<Load> {
  const cafeIds = []
  for (let number = 0; number < rooms; number++) cafeIds.push(await openRoom())
  return startLoad(scope, { urls, ordered, acks, auths: await auths(rooms * members), ...loop, rooms: cafeIds.map(cafeId => ({ cafeId, members, senders })) })
}

/** One round of one contestant, whose crowd is quiet before and after it. @throws when the generator was the bottleneck, or a client did not get what it should */
async function measure ({ name, cpu }: Contestant, load: Load, perSecond?: number): Promise<Measured> {
  await load.talk(perSecond)
  await delay(WARM_UP_MS)
  const [before, from] = [cpu(), await load.sample()]
  await delay(ROUND_MS)
  const [after, to] = [cpu(), await load.sample()]
  const { latencies } = await load.finish()
  const seconds = (to.at - from.at) / 1000
  const [sends, deliveries] = [to.acks - from.acks, to.deliveries - from.deliveries]
  const generatorBusy = (to.busy - from.busy) / 1000 / seconds
  if (generatorBusy > MOST_BUSY) throw new Error(`${name}: the load generator was the bottleneck (${Math.round(generatorBusy * 100)} percent of a core)`)
  return {
    perDelivery: (after.nodes - before.nodes) * 1000 / deliveries,
    perSend: (after.nodes - before.nodes) * 1000 / sends,
    storesPerSend: (after.stores - before.stores) * 1000 / sends,
    deliveriesPerSecond: deliveries / seconds,
    sendsPerSecond: sends / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    generatorBusy
  }
}

/**
 * All contestants in turns, so that whatever else the machine does hits all of them. The first round warms up and does not count.
 * @param perSecond an open loop of so many sends; without it a closed one
 */
export async function inTurns<C extends Contestant> (crowds: Crowds<C>, rounds: number, perSecond?: number): Promise<Map<C, Measured[]>> {
  const measured = new Map([...crowds.keys()].map(contestant => [contestant, [] as Measured[]]))
  for (let round = 0; round <= rounds; round++) {
    for (const [contestant, load] of crowds) {
      const result = await measure(contestant, load, perSecond)
      if (round > 0) measured.get(contestant)!.push(result)
    }
  }
  return measured
}

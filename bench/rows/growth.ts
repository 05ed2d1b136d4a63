import { startKlatsch, type Contestant } from '../contestants.ts'
import { fill, found } from '../fill.ts'
import { show, summarise, table } from '../figures.ts'
import { createScope } from '../rig.ts'
import { inTurns, seat, type Crowds, type Measured, type Work } from '../rounds.ts'
import type { Scope } from '../../test/support/servers.ts'

const MANY: Work = { rooms: 50, members: 4, senders: 2, inFlight: 4 }

/** One cafe, more and more members, the same few senders. */
export const members = (rounds: number) => grow(async (scope, crowds) => {
  const klatsch = await startKlatsch(scope, { name: 'klatsch' })
  for (const members of [10, 50, 200, 1000, 2000]) {
    const contestant = { ...klatsch, name: `${members} members` }
    for (const [, load] of await seat(scope, [contestant], { rooms: 1, members, senders: 10, inFlight: 1 })) crowds.set(contestant, load)
  }
}, rounds)

/** More and more cafes in the database, with a hundred messages each; fifty of them in use. */
export const cafes = (rounds: number) => grow(async (scope, crowds) => {
  for (const count of [0, 1000, 10_000]) {
    const klatsch = await startKlatsch(scope, { name: `50 of ${count + 50} cafes` })
    if (count > 0) await fill(klatsch.databaseUrl!, await found(klatsch.databaseUrl!, count), 100)
    for (const [contestant, load] of await seat(scope, [klatsch], MANY)) crowds.set(contestant, load)
  }
}, rounds)

/** Cafes with more and more messages. */
export const messages = (rounds: number) => grow(async (scope, crowds) => {
  for (const count of [10_000, 100_000, 1_000_000]) {
    const klatsch = await startKlatsch(scope, { name: `one cafe of ${count} messages` })
    const openRoom = async () => {
      const cafeId = await klatsch.openRoom()
      await fill(klatsch.databaseUrl!, [cafeId], count)
      return cafeId
    }
    for (const [contestant, load] of await seat(scope, [{ ...klatsch, openRoom }], { rooms: 1, members: 20, senders: 10, inFlight: 2 })) crowds.set(contestant, load)
  }
}, rounds)

/** Closed loops in turns; ratios beside the first. */
async function grow (set: (scope: Scope, crowds: Crowds) => Promise<void>, rounds: number): Promise<string> {
  const scope = createScope()
  try {
    const crowds: Crowds = new Map()
    await set(scope, crowds)
    const measured = await inTurns(crowds, rounds)
    const base = [...measured.values()][0]!
    const of = (contestant: Contestant, figure: (measured: Measured, round: number) => number) => show(summarise(measured.get(contestant)!.map(figure)))
    return table(['', 'CPU µs a delivery', 'ratio', 'CPU µs a send', 'ratio', 'sends/s'], [...measured.keys()].map(contestant => [
      contestant.name,
      of(contestant, ({ perDelivery }) => perDelivery),
      of(contestant, ({ perDelivery }, round) => perDelivery / base[round]!.perDelivery),
      of(contestant, ({ perSend }) => perSend),
      of(contestant, ({ perSend }, round) => perSend / base[round]!.perSend),
      of(contestant, ({ sendsPerSecond }) => sendsPerSecond)
    ]))
  } finally {
    await scope.close()
  }
}

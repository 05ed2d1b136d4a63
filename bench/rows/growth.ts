import type { Scope } from '../../test/support/servers.ts'
import { startKlatsch, type Contestant } from '../contestants.ts'
import { createCafes, writeMessages } from '../database.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { withScope } from '../rig.ts'
import { inTurns, MANY, seatOne, type Crowds, type Measured, type Work } from '../rounds.ts'

/** `x`: what grows. */
type Sized = Contestant & { x: number }

/** One cafe, more and more members, the same few senders. */
export const members = (rounds: number) => grow('perDelivery', 'members', async scope => {
  const klatsch = await startKlatsch(scope, { name: 'klatsch' })
  return [10, 50, 200, 1000, 2000].map(x => [{ ...klatsch, name: `${x} members`, x }, { rooms: 1, members: x, senders: 10, inFlight: 1 }])
}, rounds)

/** More and more cafes in the database, with a hundred messages each; fifty of them in use. */
export const cafes = (rounds: number) => grow('perSend', 'cafes', scope => Promise.all([0, 950, 9950].map(async others => {
  const x = others + MANY.rooms
  const klatsch = await startKlatsch(scope, { name: `${MANY.rooms} of ${x} cafes` })
  if (others > 0) await writeMessages(klatsch.databaseUrl!, await createCafes(klatsch.databaseUrl!, others), 100)
  return [{ ...klatsch, x }, MANY]
})), rounds)

/** A cafe with more and more messages. */
export const messages = (rounds: number) => grow('perSend', 'messages', scope => Promise.all([10_000, 100_000, 1_000_000].map(async x => {
  const klatsch = await startKlatsch(scope, { name: `${x} messages` })
  async function openRoom () {
    const cafeId = await klatsch.openRoom()
    await writeMessages(klatsch.databaseUrl!, [cafeId], x)
    return cafeId
  }
  return [{ ...klatsch, openRoom, x }, { rooms: 1, members: 20, senders: 10, inFlight: 2 }]
})), rounds)

/** Closed loops in turns; ratios beside the first. */
function grow (cost: 'perDelivery' | 'perSend', what: string, start: (scope: Scope) => Promise<Array<[Sized, Work]>>, rounds: number): Promise<Result> {
  return withScope(async scope => {
    const crowds: Crowds<Sized> = new Map()
    for (const [contestant, work] of await start(scope)) {
      crowds.set(contestant, await seatOne(scope, contestant, work))
    }
    const measured = await inTurns(crowds, rounds)
    const base = [...measured.values()][0]!
    const y = `CPU µs a ${cost === 'perDelivery' ? 'delivery' : 'send'}`
    const rows = [...measured].map(([{ name }, own]) => {
      const of = (figure: (measured: Measured, round: number) => number) => show(summarise(own.map(figure)))
      return [name, of(one => one[cost]), of((one, round) => one[cost] / base[round]![cost]), of(({ perSend }) => perSend), of(({ sendsPerSecond }) => sendsPerSecond)]
    })
    const points = [...measured].map(([{ x }, own]) => ({ series: 'klatsch', x, ...summarise(own.map(one => one[cost])) }))
    return { table: table(['', y, 'ratio', 'CPU µs a send', 'sends/s'], rows), chart: { x: what, y, points } }
  })
}

import type { Scope } from '../../test/support/servers.ts'
import { startKlatsch, type Contestant } from '../contestants.ts'
import { fill, found } from '../fill.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { createScope } from '../rig.ts'
import { inTurns, seat, type Crowds, type Measured, type Work } from '../rounds.ts'

const MANY: Work = { rooms: 50, members: 4, senders: 2, inFlight: 4 }

/** `x`: what grows. */
type Sized = Contestant & { x: number }

/** One cafe, more and more members, the same few senders. */
export const members = (rounds: number) => grow('perDelivery', 'members', async scope => {
  const klatsch = await startKlatsch(scope, { name: 'klatsch' })
  const crowds: Crowds<Sized> = new Map()
  for (const x of [10, 50, 200, 1000, 2000]) {
    for (const [one, load] of await seat(scope, [{ ...klatsch, name: `${x} members`, x }], { rooms: 1, members: x, senders: 10, inFlight: 1 })) crowds.set(one, load)
  }
  return crowds
}, rounds)

/** More and more cafes in the database, with a hundred messages each; fifty of them in use. */
export const cafes = (rounds: number) => grow('perSend', 'cafes', async scope => {
  const crowds: Crowds<Sized> = new Map()
  for (const others of [0, 950, 9950]) {
    const klatsch = await startKlatsch(scope, { name: 'klatsch' })
    if (others > 0) await fill(klatsch.databaseUrl!, await found(klatsch.databaseUrl!, others), 100)
    const x = others + MANY.rooms
    for (const [one, load] of await seat(scope, [{ ...klatsch, name: `${MANY.rooms} of ${x} cafes`, x }], MANY)) crowds.set(one, load)
  }
  return crowds
}, rounds)

/** A cafe with more and more messages. */
export const messages = (rounds: number) => grow('perSend', 'messages', async scope => {
  const crowds: Crowds<Sized> = new Map()
  for (const x of [10_000, 100_000, 1_000_000]) {
    const klatsch = await startKlatsch(scope, { name: 'klatsch' })
    const openRoom = async () => {
      const cafeId = await klatsch.openRoom()
      await fill(klatsch.databaseUrl!, [cafeId], x)
      return cafeId
    }
    for (const [one, load] of await seat(scope, [{ ...klatsch, openRoom, name: `${x} messages`, x }], { rooms: 1, members: 20, senders: 10, inFlight: 2 })) crowds.set(one, load)
  }
  return crowds
}, rounds)

/** Closed loops in turns; ratios beside the first. */
async function grow (cost: 'perDelivery' | 'perSend', what: string, start: (scope: Scope) => Promise<Crowds<Sized>>, rounds: number): Promise<Result> {
  const scope = createScope()
  try {
    const measured = await inTurns(await start(scope), rounds)
    const base = [...measured.values()][0]!
    const y = `CPU µs a ${cost === 'perDelivery' ? 'delivery' : 'send'}`
    const rows = [...measured].map(([{ name }, own]) => {
      const of = (figure: (measured: Measured, round: number) => number) => show(summarise(own.map(figure)))
      return [name, of(one => one[cost]), of((one, round) => one[cost] / base[round]![cost]), of(({ perSend }) => perSend), of(({ sendsPerSecond }) => sendsPerSecond)]
    })
    const points = [...measured].map(([{ x }, own]) => ({ series: 'klatsch', x, ...summarise(own.map(one => one[cost])) }))
    return { table: table(['', y, 'ratio', 'CPU µs a send', 'sends/s'], rows), chart: { x: what, y, points } }
  } finally {
    await scope.close()
  }
}

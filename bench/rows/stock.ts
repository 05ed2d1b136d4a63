import { startKlatsch } from '../contestants.ts'
import { show, summarise, table, type Result } from '../figures.ts'
import { withScope } from '../rig.ts'
import { HOT, inTurns, seatOne, type Measured } from '../rounds.ts'

/** As much as one process of stock clients can read: in a closed loop they would be what is measured. */
const PER_SECOND = 50

/** What it costs the server that clients come by polling and upgrade: the cafe of 200, at one rate for both kinds. */
export function stock (rounds: number): Promise<Result> {
  return withScope(async scope => {
    const [raw, upgraded] = [await startKlatsch(scope, { name: 'raw WebSockets' }), await startKlatsch(scope, { name: 'stock clients, by polling and upgrade' })]
    const crowds = new Map([[raw, await seatOne(scope, raw, HOT)], [upgraded, await seatOne(scope, upgraded, { ...HOT, stock: true })]])
    const measured = await inTurns(crowds, rounds, PER_SECOND)
    const base = measured.get(raw)!
    const rows = [raw, upgraded].map(contestant => {
      const of = (figure: (measured: Measured, round: number) => number) => show(summarise(measured.get(contestant)!.map(figure)))
      return [contestant.name, of(({ perDelivery }) => perDelivery), of(({ perDelivery }, round) => perDelivery / base[round]!.perDelivery), of(({ generatorBusy }) => generatorBusy)]
    })
    return { table: table(['clients', 'CPU µs a delivery', 'ratio', 'generator busy'], rows) }
  })
}

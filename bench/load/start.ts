import { fork } from 'node:child_process'
import { once } from 'node:events'
import { scriptArgs } from '../../test/support/paths.ts'
import type { Scope } from '../../test/support/servers.ts'
import type { Answer, Order, Plan, Report, Sample } from './plan.ts'

export interface Load {
  /** Clients begin to send, in a closed loop or so many a second; they go on until `finish`. */
  talk: (perSecond?: number) => Promise<void>
  sample: () => Promise<Sample>
  /** @throws when a client has not got exactly what was sent, in order, or a send was refused */
  finish: () => Promise<Report>
}

/** A load generator with all clients of the plan connected and joined. */
export async function startLoad (scope: Scope, plan: Plan): Promise<Load> {
  const args = scriptArgs('bench/load/generator')
  const child = fork(args.at(-1)!, { execArgv: args.slice(0, -1) })
  scope.teardown(() => child.kill())
  const ended = once(child, 'exit').then(() => { throw new Error('the load generator has ended') })
  ended.catch(() => {}) // whoever waits for an answer is told

  async function order<I extends Answer['is']> (order: Order, is: I): Promise<Extract<Answer, { is: I }>> {
    child.send(order)
    const [answer] = await Promise.race([once(child, 'message'), ended]) as [Answer]
    if (answer.is === 'failed') throw new Error(answer.reason)
    if (answer.is !== is) throw new Error(`${order.do} was answered by ${answer.is}`)
    return answer as Extract<Answer, { is: I }>
  }

  await order({ do: 'open', plan }, 'open')
  return {
    async talk (perSecond) { await order({ do: 'talk', perSecond }, 'talking') },
    async sample () { return (await order({ do: 'sample' }, 'sample')).sample },
    async finish () {
      const { report } = await order({ do: 'finish' }, 'finished')
      if (report.refused > 0) throw new Error(`${report.refused} sends of ${report.sends} were refused`)
      if (report.wrong > 0) throw new Error(`${report.wrong} clients did not get exactly what was sent, in order`)
      return report
    }
  }
}

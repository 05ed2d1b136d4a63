import type { Result } from '../figures.ts'
import { crowdedLiteral, hot, literal, many, nodes } from './compare.ts'
import { cafes, members, messages } from './growth.ts'
import { idle } from './idle.ts'
import { across, latency, quiet } from './latency.ts'
import { deep, first } from './pages.ts'
import { rates } from './rates.ts'
import { stock } from './stock.ts'
import { storm } from './storm.ts'

/** What can be measured, by the name that chooses it. */
export const rows: Record<string, { title: string, run: (rounds: number) => Promise<Result> }> = {
  hot: { title: 'One cafe of 200, 20 senders, 2 sends in flight each', run: hot },
  latency: { title: 'The same, and an open loop: from when a send was due to the copy of its sender', run: latency },
  rates: { title: 'One cafe of 200, 20 senders, more and more sends a second', run: rates },
  many: { title: '50 cafes of 4, 2 senders each, 4 sends in flight', run: many },
  quiet: { title: 'One cafe of 2, 20 sends a second', run: quiet },
  stock: { title: 'One cafe of 200, 50 sends a second, by the kind of client', run: stock },
  literal: { title: '50 cafes of 4 again, beside the specification taken at its word', run: literal },
  'literal-hot': { title: 'One cafe of 200 again, beside the specification taken at its word', run: crowdedLiteral },
  nodes: { title: 'One cafe of 200 on two nodes', run: nodes },
  across: { title: 'The same, and an open loop: from when a send was due to a member on the other node', run: across },
  first: { title: 'The first page of history over REST, 50 of 100 messages', run: first },
  deep: { title: 'Pages of 50 in a cafe of 1,000,000 messages', run: deep },
  idle: { title: 'Memory of a silent connection that has joined a cafe', run: idle },
  storm: { title: '2,000 clients come to one cafe at once', run: storm },
  members: { title: 'One cafe, 10 senders, more and more members', run: members },
  cafes: { title: '50 cafes in use, beside more and more others', run: cafes },
  messages: { title: 'One cafe with more and more messages', run: messages }
}

/** What a load generator is to do. */
export interface Plan {
  /** Of the nodes; clients take turns over them. */
  urls: string[]
  path: string
  rooms: Array<{ cafeId: string, members: number, senders: number }>
  /** What clients say to get in, one for each member of each room, in that order. */
  auths: object[]
  /** Closed loop: sends of one sender that wait for their acks at the same time. */
  inFlight: number
  /** Open loop instead: sends a second over all senders, on a schedule that does not wait for answers. */
  perSecond?: number
}

/** What has happened so far. `deliveries`: events `message:new` at all clients. `busy`: CPU of the generator, milliseconds. */
export interface Sample { sends: number, acks: number, deliveries: number, busy: number, at: number }

/** `wrong`: clients whose list was not exactly what was sent, in order. Latencies in milliseconds, from when a send was due to its sender's own copy. */
export interface Report { sends: number, refused: number, wrong: number, latencies: number[] }

export type Order = { do: 'open', plan: Plan } | { do: 'talk' } | { do: 'sample' } | { do: 'finish' }
export type Answer = { is: 'open' } | { is: 'talking' } | { is: 'sample', sample: Sample } | { is: 'finished', report: Report } | { is: 'failed', reason: string }

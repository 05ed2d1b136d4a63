/** What a load generator is to do. */
export interface Plan {
  /** Of the nodes; clients take turns over them. */
  urls: string[]
  rooms: Array<{ cafeId: string, members: number, senders: number }>
  /** What clients say to get in, one for each member of each room, in that order. */
  auths: object[]
  /** Closed loop: sends of one sender that wait for their acks at the same time. */
  inFlight: number
  /** Whose copy of a message is timed in an open loop: its sender's, or that of the next client, who is on the next node. */
  timedAt?: 'sender' | 'neighbour'
  /** Clients that come at the same time; 50 when absent. */
  atOnce?: number
  /** Stock clients on their default transports, polling and then an upgrade, instead of raw WebSockets. */
  stock?: boolean
  /** What comes is numbered by one server for all (`rev`), and must come in that order. Otherwise it is only counted. */
  ordered: boolean
  /** The server acks joins and sends. Otherwise `message:history` stands for the one, the sender's own copy for the other. */
  acks: boolean
}

/** What has happened so far. `deliveries`: events `message:new` at all clients. `busy`: CPU of the generator, milliseconds. */
export interface Sample { sends: number, acks: number, deliveries: number, busy: number, at: number }

/** `wrong`: clients whose list was not exactly what was sent, in order. `latencies`: of an open loop, milliseconds from when a send was due to the copy that is timed. */
export interface Report { sends: number, refused: number, wrong: number, latencies: number[] }

/** `perSecond`: an open loop, so many sends over all senders on a schedule that does not wait for answers. */
export type Order = { do: 'open', plan: Plan } | { do: 'talk', perSecond: number | undefined } | { do: 'sample' } | { do: 'finish' }
export type Answer = { is: 'open' } | { is: 'talking' } | { is: 'sample', sample: Sample } | { is: 'finished', report: Report } | { is: 'failed', reason: string }

import type { Payload } from '../../schemas/contract.ts'
import type { ServerEvents } from '../../schemas/events.ts'
import type { Attendance, Broadcast, Bus, Meter, Notice, Reporter, ServerEvent } from '../../services/ports.ts'

/** What a rule said to the sockets of a cafe. */
export interface Said<E extends ServerEvent = ServerEvent> { cafeId: string, event: E, payload: Payload<ServerEvents[E]>, exceptUserId?: string | undefined }

/** A Broadcast that keeps what it was given, in order. */
export function createListener () {
  const said: Said[] = []
  const broadcast: Broadcast = {
    local: (cafeId, event, payload, exceptUserId) => { said.push({ cafeId, event, payload, exceptUserId }) },
    everywhere: (cafeId, event, payload) => { said.push({ cafeId, event, payload }) }
  }
  const of = <E extends ServerEvent>(event: E) => said.filter((entry): entry is Said<E> => entry.event === event)
  return { broadcast, said, of }
}

/** Buses of nodes that hear each other at once, but not themselves. */
export function createBuses (...nodeIds: string[]) {
  const listeners = new Map<string, Array<(cafeId: string, notice: Notice, nodeId: string) => void>>(nodeIds.map(id => [id, []]))
  const reconnected: Array<() => void> = []
  const sent: Notice[] = []
  const busOf = (nodeId: string): Bus => ({
    publish (cafeId, notice) {
      sent.push(notice)
      for (const [other, hear] of listeners) if (other !== nodeId) for (const listen of hear) listen(cafeId, notice, nodeId)
    },
    async subscribe () {},
    async unsubscribe () {},
    onNotice: listener => { listeners.get(nodeId)!.push(listener) },
    onReconnect: listener => { reconnected.push(listener) },
    isLive: () => true
  })
  return { buses: nodeIds.map(busOf), sent, reconnect: () => { for (const listener of reconnected) listener() } }
}

/** A Meter and a Reporter that keep what they were told. */
export function createWitness () {
  const counted: string[] = []
  const warned: string[] = []
  const meter: Meter = { count: (name, label) => { counted.push(label === undefined ? name : `${name} ${label}`) } }
  const reporter: Reporter = { warn: (_, what) => { warned.push(what) } }
  return { meter, reporter, counted, warned }
}

export const wait = (ms: number) => new Promise<void>(resolve => { setTimeout(resolve, ms) })

/** Until what is due in this turn is done. */
export const turn = () => new Promise<void>(resolve => { setImmediate(() => setImmediate(resolve)) })

export const cafeId = 'c0ffee00-0000-4000-8000-000000000001'

export const attendance = (version: number, action: Attendance['action'], name: string, userCount: number): Attendance =>
  ({ cafeId, user: { id: `id of ${name}`, username: name }, action, userCount, version })

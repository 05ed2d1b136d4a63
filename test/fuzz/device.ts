import { io, type Socket } from 'socket.io-client'
import type { Ack } from '../../schemas/contract.ts'
import { clientEvents } from '../../schemas/events.ts'
import type { ErrorBody, Message, MessageDeleted, MessageEvent, MessageHistory } from '../../schemas/index.ts'
import { statusOf } from '../../services/errors.ts'
import { ackFault, errorFault, eventFault } from '../support/contract.ts'
import { until } from '../support/processes.ts'
import { createView, type View } from './view.ts'

/** Of one answer, or of one connection. A busy machine may take its time. */
export const PATIENCE_MS = 15_000
const ACK = 3

type Packet = { type: number, id?: number }
interface Options { url: string, name: string, note: (fault: string) => void, learn: (message: Message) => void }

/** A stock client of a user, which minds everything that it hears. */
export function createDevice ({ url, name, note, learn }: Options) {
  const views = new Map<string, View>()
  const pending = new Set<Promise<void>>()
  let socket: Socket | undefined

  const complain = (fault: string) => note(`${name}: ${fault}`)

  /** A refusal may be the server's only if it is documented, and never its own fault. */
  function mind (what: string, error: ErrorBody | undefined) {
    const fault = errorFault(error)
    if (fault !== undefined || error === undefined) complain(`${what}: ${fault}`)
    else if (statusOf(error.code) >= 500) complain(`${what}: ${JSON.stringify(error)}`)
  }

  function viewOf (cafeId: string): View {
    const view = views.get(cafeId) ?? createView(cafeId, complain)
    views.set(cafeId, view)
    return view
  }

  function hear (event: string, ...args: unknown[]) {
    const fault = eventFault(event, args)
    if (fault !== undefined) return complain(fault)
    const [payload] = args
    if (event === 'error') mind('error', payload as ErrorBody)
    if (event === 'message:history') viewOf((payload as MessageHistory).cafeId).hear(payload as MessageHistory)
    if (event === 'message:deleted') viewOf((payload as MessageDeleted).cafeId).remove(payload as MessageDeleted)
    if (event === 'message:new' || event === 'message:updated') {
      const { message } = payload as MessageEvent
      learn(message)
      viewOf(message.cafeId).change(payload as MessageEvent, event)
    }
  }

  /** Connects anew. Resolves when the server has said yes or no. */
  async function connect (auth: object): Promise<void> {
    cut(true)
    const fresh = io(url, { forceNew: true, reconnection: false, transports: ['websocket'], auth })
    socket = fresh
    const acks = new Set<number>()
    fresh.onAny(hear)
    fresh.io.on('packet' as never, ((packet: Packet) => {
      if (packet.type !== ACK) return
      if (acks.has(packet.id!)) complain(`a second ack of ${packet.id}`)
      acks.add(packet.id!)
    }) as never)
    fresh.on('disconnect', () => views.forEach(view => view.leave()))
    await settled('a connection is answered', new Promise(resolve => {
      fresh.once('connected', () => resolve())
      fresh.once('disconnect', () => resolve())
      fresh.once('connect_error', error => {
        const { data } = error as Error & { data?: ErrorBody }
        mind('connect_error', data)
        resolve()
      })
    }))
  }

  /** Waits, but not for ever: what takes longer is a fault. */
  function settled (what: string, work: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout
    const late = new Promise<void>(resolve => { timer = setTimeout(() => { complain(`not within ${PATIENCE_MS} ms: ${what}`); resolve() }, PATIENCE_MS) })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }

  /** `politely`: with a farewell; else the line just breaks. */
  function cut (politely: boolean) {
    if (politely) socket?.disconnect()
    else socket?.io.engine?.close()
  }

  /** What the ack of an event tells. Whose connection breaks meanwhile has no right to one. */
  function emit (event: string, args: unknown[], ack: boolean): void {
    const current = socket!
    const send = (...all: unknown[]) => (current as unknown as { emit: (event: string, ...args: unknown[]) => void }).emit(event, ...all)
    if (!ack) return send(...args)
    const work = settled(`the ack of ${event} ${JSON.stringify(args)?.slice(0, 200)}`, new Promise<void>(resolve => {
      current.once('disconnect', () => resolve())
      send(...args, (reply: Ack<unknown>) => {
        const fault = ackFault(event, reply)
        if (fault !== undefined) complain(fault)
        else if (reply.ok) take(event, reply.data)
        else mind(event, reply.error)
        resolve()
      })
    }))
    pending.add(work)
    work.finally(() => pending.delete(work))
  }

  function take (event: string, data: unknown) {
    if (!Object.hasOwn(clientEvents, event)) return
    if (event === 'leave:cafe') viewOf((data as { cafeId: string }).cafeId).leave()
    const { message } = data as { message?: Message }
    if (message !== undefined) learn(message)
  }

  return {
    name,
    views,
    connect,
    cut,
    emit,
    get isUp () { return socket?.connected === true },
    /** A packet as it stands behind Engine.IO's type: the server may well hang up. */
    write: (text: string) => { socket!.io.engine.write(text) },
    /** Everything that was emitted is answered. */
    async settle () { await Promise.all(pending) },
    /** Steps that are under way arrive. */
    catchUp: (cafeId: string, rev: number) => until(`${name} is at ${rev} of ${cafeId}`, () => views.get(cafeId)?.isLive !== true || views.get(cafeId)!.position! >= rev, PATIENCE_MS),
    close () { socket?.disconnect() }
  }
}

export type Device = ReturnType<typeof createDevice>

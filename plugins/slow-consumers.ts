import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

const LOOK_EVERY_MS = 500

/** A TCP socket, as far as Node tells: how much of what it is writing now the system has not taken yet. */
interface Wire { destroy: (reason: Error) => void, _handle?: { writeQueueSize: number } | null }

/** What engine.io keeps of a connection, as far as it is needed here. */
interface Connection {
  writeBuffer: ReadonlyArray<{ data?: unknown, options?: { wsPreEncodedFrame?: Buffer[] } }>
  /** `socket`: of a WebSocket, not of polling */
  transport: { socket?: { bufferedAmount: number, terminate: () => void, _socket?: Wire } }
  close: (discard: boolean) => void
}

/** `bytes`: of all that waits, where one large write counts as a whole until it is through. `unwritten`: what is left of that. */
interface Backlog { bytes: number, unwritten: number }

const isLess = (now: Backlog, before: Backlog) =>
  now.bytes < before.bytes || now.bytes + now.unwritten < before.bytes + before.unwritten

/** One for all: everything that a connection had still to write fails with it, and to make an error for each would hold up the others. */
const reason = new Error('slow consumer')

/**
 * Closes connections whose client reads too slowly: Socket.IO would keep everything for them, without a bound. Who has too
 * much to read is spared while it becomes less: a page of history over a slow line. The transport is closed, so that a stock client
 * comes back, and resumes with `since`.
 */
async function slowConsumers (fastify: FastifyInstance) {
  const { config: { socket: { maxBuffered, maxPackets } }, io, log, metrics: { meter } } = fastify

  /** of those who had too much to read when last looked at: how much */
  let late = new Map<string, Backlog>()
  const looking = setInterval(look, LOOK_EVERY_MS)
  fastify.addHook('preClose', async () => clearInterval(looking))

  function look () {
    const before = late
    late = new Map()
    for (const [id, client] of Object.entries((io.engine as unknown as { clients: Record<string, Connection> }).clients)) {
      const [bytes, packets] = [bufferedBytes(client), client.writeBuffer.length]
      if (bytes <= maxBuffered && packets <= maxPackets) continue
      const backlog = { bytes, unwritten: client.transport.socket?._socket?._handle?.writeQueueSize ?? 0 }
      const last = before.get(id)
      late.set(id, backlog)
      if (last === undefined || isLess(backlog, last)) continue
      meter.count('slow_consumers')
      log.warn({ connection: id, reason: 'slow_consumer', bytes, packets }, 'closed a connection that reads too slowly')
      cut(client)
    }
  }
}

/** At once: a polite close would wait until all that is buffered was read. */
function cut (client: Connection) {
  const { socket } = client.transport
  if (socket === undefined) return client.close(true)
  if (socket._socket === undefined) return socket.terminate()
  socket._socket.destroy(reason)
}

/** Waiting in Socket.IO, and handed to the transport but not yet to the network. */
function bufferedBytes ({ writeBuffer, transport }: Connection): number {
  const sizeOf = ({ data, options }: Connection['writeBuffer'][number]) =>
    typeof data === 'string' ? data.length : (options?.wsPreEncodedFrame ?? []).reduce((sum, { length }) => sum + length, 0)
  return writeBuffer.reduce((sum, packet) => sum + sizeOf(packet), transport.socket?.bufferedAmount ?? 0)
}

export default fp(slowConsumers, { name: 'slow-consumers', dependencies: ['config', 'io', 'metrics'] })

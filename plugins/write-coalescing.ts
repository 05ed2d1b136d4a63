import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

/** What engine.io keeps of a connection, as far as it is needed here. */
interface Connection {
  readyState: string
  /** Hands what waits to the transport, if that can take it. */
  flush: () => void
  /** `socket`: of a WebSocket, not of polling; after an upgrade it is the new one. */
  transport: { socket?: { _socket?: { cork: () => void, uncork: () => void } } }
}

/**
 * One write to the network for all that a connection is told within one turn of the event loop, where engine.io makes one for
 * each packet. Nothing waits longer than that turn, and nothing is held but what was told in it.
 */
async function writeCoalescing ({ config, io }: FastifyInstance) {
  if (!config.socket.coalesceWrites) return
  const waiting = new Set<Connection>()
  let flush: () => void

  io.engine.on('connection', (connection: Connection) => {
    // Of the class, the same for all.
    flush = connection.flush
    connection.flush = flushLater
  })

  function flushLater (this: Connection) {
    // Somebody waits for the last words of a connection that closes.
    if (this.readyState !== 'open') return flush.call(this)
    if (waiting.size === 0) setImmediate(writeAll)
    waiting.add(this)
  }

  function writeAll () {
    const connections = [...waiting]
    waiting.clear()
    for (const connection of connections) {
      const wire = connection.transport.socket?._socket
      wire?.cork()
      flush.call(connection)
      wire?.uncork()
    }
  }
}

export default fp(writeCoalescing, { name: 'write-coalescing', dependencies: ['config', 'io'] })

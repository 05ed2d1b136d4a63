import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { MessageHistory } from '../schemas/events.ts'
import type { ChatSocket } from './io.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What `socket.emit('message:history', history)` does. */
    sendHistory: (socket: ChatSocket, history: MessageHistory) => void
  }
}

/** An event of Socket.IO's own namespace, as engine.io takes it. */
const EVENT = '2'

/**
 * The page that a join begins with is written as JSON once for all who come while it is the newest, where Socket.IO would write it for
 * each. There is one for a cafe that is open, and it goes with the object that the services hand out.
 */
async function historyPackets (fastify: FastifyInstance) {
  const packets = new WeakMap<MessageHistory, string>()

  function packetOf (history: MessageHistory): string {
    const kept = packets.get(history)
    if (kept !== undefined) return kept
    const packet = EVENT + JSON.stringify(['message:history', history])
    packets.set(history, packet)
    return packet
  }

  fastify.decorate('sendHistory', function sendHistory (socket, history) {
    // What changed since somebody was there is theirs alone.
    if (history.recovered || !fastify.config.socket.keepHistory) socket.emit('message:history', history)
    else socket.conn.write(packetOf(history))
  })
}

export default fp(historyPackets, { name: 'history-packets', dependencies: ['config', 'io'] })

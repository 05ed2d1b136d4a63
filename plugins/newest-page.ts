import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { MessageHistory } from '../schemas/events.ts'
import type { MessagePage } from '../schemas/messages.ts'
import type { ChatSocket } from './io.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** What `socket.emit('message:history', history)` does. */
    sendHistory: (socket: ChatSocket, history: MessageHistory) => void
    /** What `reply.send(page)` does in a route that has a schema for 200. */
    sendPage: (reply: FastifyReply, page: MessagePage) => FastifyReply
  }
}

/** An event of Socket.IO's own namespace, as engine.io takes it. */
const EVENT = '2'

/**
 * The newest page of a cafe is written as JSON once for all who join, and once for all who read it over REST, while it is the newest.
 * There is one of each for a cafe that is open, and it goes with the object that the services hand out.
 */
async function newestPage (fastify: FastifyInstance) {
  const { keepPage } = fastify.config.chat
  const written = new WeakMap<object, string>()

  function writeOnce<T extends object> (page: T, write: (page: T) => string): string {
    const kept = written.get(page)
    if (kept !== undefined) return kept
    const text = write(page)
    written.set(page, text)
    return text
  }

  fastify.decorate('sendHistory', function sendHistory (socket, history) {
    // What changed since somebody was there is theirs alone.
    if (history.recovered || !keepPage) socket.emit('message:history', history)
    else socket.conn.write(writeOnce(history, history => EVENT + JSON.stringify(['message:history', history])))
  })

  fastify.decorate('sendPage', function sendPage (reply, page) {
    if (!keepPage || page.hasAfter) return reply.send(page)
    const text = writeOnce(page, page => reply.serializeInput(page, '200') as string)
    return reply.type('application/json; charset=utf-8').send(text)
  })
}

export default fp(newestPage, { name: 'newest-page', dependencies: ['config', 'io'] })

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { createServices, type Services } from '../services/index.ts'
import type { Broadcast } from '../services/ports.ts'
import { cafeRoom, userRoom } from '../services/rooms.ts'

declare module 'fastify' {
  interface FastifyInstance { services: Services }
}

/** `fastify.services`: the rules over the chosen stores and the sockets. */
async function services (fastify: FastifyInstance) {
  const { config, metrics, reporter, stores } = fastify
  const ports = { ...stores.durable, ...stores.hot, broadcast: createBroadcast(fastify), meter: metrics.meter, reporter }
  const services = createServices(ports, config, Date.now)
  fastify.decorate('services', services)
  metrics.gauge('chat_open_cafes', 'Cafes whose newest messages are in memory', () => services.feed.openCafes().length)
  metrics.gauge('chat_revocations', 'Tokens and users of whom tokens were taken back', () => services.revocations.count())
  fastify.addHook('onClose', services.stop)
}

/** What ties event and payload together is the port's signature; Socket.IO's own types can't follow a generic event. */
interface Target { emit: (event: string, payload: unknown) => unknown }

function createBroadcast ({ io, tellRoom }: FastifyInstance): Broadcast {
  return {
    local (cafeId, event, payload, exceptUserId) {
      const room = cafeRoom(cafeId)
      if (exceptUserId === undefined) return tellRoom(room, event, payload)
      const target: unknown = io.local.to(room).except(userRoom(exceptUserId));
      (target as Target).emit(event, payload)
    },
    everywhere (cafeId, event, payload) {
      const target: unknown = io.to(cafeRoom(cafeId));
      (target as Target).emit(event, payload)
    }
  }
}

export default fp(services, { name: 'services', dependencies: ['config', 'metrics', 'reporter', 'stores', 'write-coalescing'] })

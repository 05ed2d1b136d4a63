import { Type, type Static } from '@sinclair/typebox'
import { OneOf, Ref, Strict } from './common.ts'

export const Dependency = OneOf(['up', 'down', 'unused'] as const, { $id: 'Dependency', title: 'Dependency', description: 'How a server that this node needs is doing; `unused`: it needs none', examples: ['up'] })
export type Dependency = Static<typeof Dependency>

export const Liveness = Strict({
  status: Type.Literal('alive', { description: 'Always the same: who can say it is', examples: ['alive'] }),
  nodeId: Type.String({ description: 'Of this process; another one at each start', examples: ['0a4a9f5e-3f0d-4a55-8a0e-6f5a2f9b7c31'] })
}, { $id: 'Liveness', title: 'Liveness', description: 'The process answers', examples: [{ status: 'alive', nodeId: '0a4a9f5e-3f0d-4a55-8a0e-6f5a2f9b7c31' }] })
export type Liveness = Static<typeof Liveness>

export const ReadinessStatus = OneOf(['ready', 'degraded', 'starting', 'draining', 'unavailable'] as const, {
  $id: 'ReadinessStatus',
  title: 'ReadinessStatus',
  description: 'A node that is `ready` or `degraded` (chat without Redis) should get traffic, one that is `starting`, `draining` or `unavailable` not',
  examples: ['ready']
})
export type ReadinessStatus = Static<typeof ReadinessStatus>

export const Readiness = Strict({
  status: Ref(ReadinessStatus),
  postgres: Ref(Dependency),
  redis: Ref(Dependency),
  feed: Ref(Dependency)
}, { $id: 'Readiness', title: 'Readiness', description: 'Whether this node should get traffic; `degraded` is chat without Redis; `feed` is down where Redis answers and what it publishes does not arrive', examples: [{ status: 'ready', postgres: 'up', redis: 'unused', feed: 'unused' }] })
export type Readiness = Static<typeof Readiness>

export const Index = Strict({
  name: Type.String({ description: 'Of this program', examples: ['klatsch'] }),
  version: Type.String({ description: 'Of this program', examples: ['0.1.0'] }),
  links: Type.Unsafe<Record<string, string>>(Type.Object({}, { additionalProperties: Type.String(), description: 'Paths on this server, by what is there' }))
}, { $id: 'Index', title: 'Index', description: 'Where things are', examples: [{ name: 'klatsch', version: '0.1.0', links: { cafes: '/api/cafes', socket: '/socket.io', docs: '/docs' } }] })
export type Index = Static<typeof Index>

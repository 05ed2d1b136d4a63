import { Type, type Static } from '@sinclair/typebox'
import { OneOf, Strict } from './common.ts'

export const Dependency = OneOf(['up', 'down', 'unused'] as const)
export type Dependency = Static<typeof Dependency>

export const Liveness = Strict({ status: Type.Literal('alive'), nodeId: Type.String() }, { $id: 'Liveness', title: 'Liveness', description: 'The process answers' })
export type Liveness = Static<typeof Liveness>

export const Readiness = Strict({
  status: OneOf(['ready', 'degraded', 'starting', 'draining', 'unavailable'] as const),
  postgres: Dependency,
  redis: Dependency,
  feed: Dependency
}, { $id: 'Readiness', title: 'Readiness', description: 'Whether this node should get traffic; `degraded` is chat without Redis; `feed` is down where Redis answers and what it publishes does not arrive' })
export type Readiness = Static<typeof Readiness>

export const Index = Strict({
  name: Type.String(),
  version: Type.String(),
  links: Type.Record(Type.String(), Type.String())
}, { $id: 'Index', title: 'Index', description: 'Where things are' })
export type Index = Static<typeof Index>

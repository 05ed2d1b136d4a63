import { Type, type ObjectOptions, type Static, type TSchema } from '@sinclair/typebox'
import { type ErrorBody, Refusal } from './errors.ts'
import { Ref, Strict } from './common.ts'

/** One event: what it carries and, for those of the client, what its ack answers. */
export interface EventSpec { summary: string, payload: TSchema, ack?: TSchema }
export type EventMap = Record<string, EventSpec>

export type Payload<E extends EventSpec> = Static<E['payload']>
export type Reply<E extends EventSpec> = E extends { ack: infer A extends TSchema } ? Static<A> : void

export type Ack<T> = { ok: true, data: T } | { ok: false, error: ErrorBody }

/** The ack of an event that was done. */
export function Accepted (data: TSchema, options: ObjectOptions = {}) {
  return Strict({ ok: Type.Literal(true, { description: 'The event was done' }), data }, options)
}

/** The ack as a schema, for documents and checks. */
export function AckOf (data: TSchema) {
  return Type.Union([Accepted(data), Ref(Refusal)])
}

/** Socket.IO's listener map of a table. Acks are required in types (an optional one would turn replies into `any`) and optional at run time. */
export type Listeners<M extends EventMap> = {
  [K in keyof M]: M[K] extends { ack: TSchema }
    ? (payload: Payload<M[K]>, ack: (reply: Ack<Reply<M[K]>>) => void) => void
    : (payload: Payload<M[K]>) => void
}

import type { TSchema } from '@sinclair/typebox'
import * as cafes from './cafes.ts'
import * as errors from './errors.ts'
import * as events from './events.ts'
import * as health from './health.ts'
import * as messages from './messages.ts'
import * as presence from './presence.ts'
import * as revocations from './revocations.ts'
import * as topics from './topics.ts'
import * as users from './users.ts'

export * from './cafes.ts'
export * from './contract.ts'
export * from './errors.ts'
export * from './events.ts'
export * from './health.ts'
export * from './messages.ts'
export * from './presence.ts'
export * from './revocations.ts'
export * from './topics.ts'
export * from './users.ts'

/** Every schema with an `$id`: what validators and documents must know by name. */
export const entities: TSchema[] = [cafes, errors, events, health, messages, presence, revocations, topics, users]
  .flatMap(module => Object.values(module) as unknown[])
  .filter((value): value is TSchema => typeof value === 'object' && value !== null && typeof (value as { $id?: unknown }).$id === 'string')

import type { Pool } from 'pg'
import type { Cafes, Identities, Log, Revocations, Users } from '../../services/ports.ts'
import { createCafes } from './cafes.ts'
import { createIdentities } from './identities.ts'
import { createLog } from './log.ts'
import { createQuery, type QueryOptions } from './query.ts'
import { createRevocations } from './revocations.ts'
import { createUsers } from './users.ts'

const FRAME_KEY = 'SELECT frame_key FROM nodes'

/** `sendQueue`: sends that may wait for a commit. `sendBatch`: sends of one commit. */
export interface DurableOptions extends QueryOptions { sendQueue: number, sendBatch: number }

export interface Durable {
  log: Log
  users: Users
  identities: Identities
  cafes: Cafes
  revocations: Revocations
  /** What the nodes of this database sign their frames with, 32 bytes. @throws CHAT_UNAVAILABLE */
  frameKey: () => Promise<Buffer>
}

/** The durable ports over a pool. */
export function createDurable (pool: Pool, { sendQueue, sendBatch, ...options }: DurableOptions): Durable {
  const query = createQuery(pool, options)
  return {
    log: createLog(query, { maxBatch: sendBatch, maxQueue: sendQueue, maxWaiting: 8, timeout: options.timeout }),
    users: createUsers(query),
    identities: createIdentities(query),
    cafes: createCafes(query),
    revocations: createRevocations(query),
    frameKey: async () => (await query<{ frame_key: Buffer }>('read', 'frame_key', FRAME_KEY, []))[0]!.frame_key
  }
}

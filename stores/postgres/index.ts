import type { Pool } from 'pg'
import type { Cafes, Log, Users } from '../../services/ports.ts'
import { createCafes } from './cafes.ts'
import { createLog } from './log.ts'
import { createUsers } from './users.ts'

export interface Durable { log: Log, users: Users, cafes: Cafes }

/** The durable ports over a pool. `sendQueue`: sends that may wait for a commit. */
export function createDurable (pool: Pool, options: { sendQueue: number }): Durable {
  return {
    log: createLog(pool, { maxBatch: 500, maxQueue: options.sendQueue, maxWaiting: 8 }),
    users: createUsers(pool),
    cafes: createCafes(pool)
  }
}

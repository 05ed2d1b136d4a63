import type { Pool } from 'pg'
import { refuse } from '../../services/errors.ts'
import { leavesUsable, retryAfterMs, translate } from './errors.ts'

export interface QueryOptions {
  /** milliseconds a caller waits at most: for a connection and for the answer together */
  timeout: number
  /** callers that may wait for a connection; one more is refused at once */
  maxWaiting: number
}

/**
 * Rows of a prepared statement. `timeout`: other than usual, milliseconds. `write`: a repetition might do it twice, so a failure after it was sent is CHAT_OUTCOME_UNKNOWN.
 * @throws CHAT_UNAVAILABLE when nothing was done, CHAT_OUTCOME_UNKNOWN, or PostgreSQL's own error where it judged the data
 */
export type Query = <Row extends object>(kind: 'read' | 'write', name: string, text: string, values: unknown[], timeout?: number) => Promise<Row[]>

/** The one way from the durable ports to the pool: every call is answered in bounded time. */
export function createQuery (pool: Pool, { timeout: usual, maxWaiting }: QueryOptions): Query {
  async function connect () {
    if (pool.waitingCount >= maxWaiting) throw refuse('CHAT_UNAVAILABLE', { retryAfterMs, message: 'Too many queries are waiting' })
    try {
      return await pool.connect()
    } catch (cause) {
      throw refuse('CHAT_UNAVAILABLE', { retryAfterMs, cause })
    }
  }

  return async function query<Row extends object> (kind: 'read' | 'write', name: string, text: string, values: unknown[], timeout = usual): Promise<Row[]> {
    const deadline = performance.now() + timeout
    const client = await connect()
    try {
      const left = Math.max(1, Math.ceil(deadline - performance.now()))
      // pg takes the timeout with the query, but its types don't say so.
      const { rows } = await client.query<Row>({ name, text, values, query_timeout: left } as { name: string, text: string, values: unknown[] })
      client.release()
      return rows
    } catch (error) {
      client.release(!leavesUsable(error))
      throw translate(error, kind)
    }
  }
}

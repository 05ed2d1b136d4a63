import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Crash recovery after a busy hour takes its time; a server that does not start at all ends by itself. */
const recoveryMs = 120_000

/** Connection string of one database of the embedded server. */
export function urlOf (port: number, password: string, database: string): string {
  return `postgres://postgres:${password}@127.0.0.1:${port}/${database}`
}

/**
 * Resolves when the server behind `url` answers a query.
 * @throws when `server` ends first, when `signal` aborts, or after `readyMs`
 */
export async function waitUntilReady (url: string, server: ChildProcess, signal: AbortSignal, readyMs = recoveryMs): Promise<void> {
  let last: unknown
  for (const deadline = Date.now() + readyMs; Date.now() < deadline;) {
    signal.throwIfAborted()
    if (server.exitCode !== null || server.signalCode !== null) throw new Error(`it ended with ${server.signalCode ?? `code ${server.exitCode}`}`)
    try {
      await query(url, 'SELECT 1')
      return
    } catch (err) {
      last = err
    }
    await sleep(30)
  }
  throw new Error(`no answer within ${readyMs / 1000} s`, { cause: last })
}

/** Makes the database unless it exists. The name is ours, never input: it cannot be a parameter here. */
export async function ensureDatabase (adminUrl: string, name: string): Promise<void> {
  const { rowCount } = await query(adminUrl, 'SELECT FROM pg_database WHERE datname = $1', [name])
  if (rowCount === 0) await query(adminUrl, `CREATE DATABASE ${name}`)
}

async function query (url: string, text: string, values: string[] = []): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000, query_timeout: 10_000 })
  // A server that ends in mid-flight is told by the rejected query; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.query(text, values)
  } finally {
    // A server that has stopped answering does not confirm the end either.
    await Promise.race([client.end(), sleep(1000, undefined, { ref: false })])
  }
}

import type { Scope } from '../support/processes.ts'
import { startRelay } from '../support/relay.ts'

export interface Queries {
  /** Of the database, through here. */
  url: string
  /** How many statements were run so far. */
  count: () => number
}

/** In PostgreSQL's protocol: a plain statement, and the execution of a prepared one. */
const STATEMENTS = new Set(['Q', 'E'].map(letter => letter.charCodeAt(0)))

/** A TCP proxy in front of PostgreSQL that counts the statements that pass. PostgreSQL itself counts them too, but tells seconds later. */
export async function countQueries (t: Scope, target: string): Promise<Queries> {
  let statements = 0
  const { url } = await startRelay(t, target, (client, upstream) => {
    const read = createReader(() => { statements++ })
    client.on('data', chunk => {
      read(chunk)
      upstream.write(chunk)
    })
    upstream.pipe(client)
  })
  return { url, count: () => statements }
}

/** Follows what a client says: a first message that begins with its length, then messages with a letter before it. */
function createReader (onStatement: () => void) {
  let rest: Buffer = Buffer.alloc(0)
  let letters = 0
  return (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= letters + 4) {
      const length = letters + rest.readUInt32BE(letters)
      if (rest.length < length) return
      if (letters === 1 && STATEMENTS.has(rest[0]!)) onStatement()
      letters = 1
      rest = rest.subarray(length)
    }
  }
}

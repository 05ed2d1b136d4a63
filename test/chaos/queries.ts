import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import type { Scope } from '../support/processes.ts'

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
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let statements = 0

  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    const read = createReader(() => { statements++ })
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true))
      socket.on('close', () => sockets.delete(socket))
      // Each end sees the other one's fate.
      socket.on('error', () => {})
    }
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    client.on('data', chunk => {
      read(chunk)
      upstream.write(chunk)
    })
    upstream.pipe(client)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => { server.close(resolve) })
  })
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return { url: url.href, count: () => statements }
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

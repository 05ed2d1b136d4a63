import type { Socket } from 'node:net'
import type { Scope } from './processes.ts'
import { startRelay } from './relay.ts'

/** What may happen to a message on its way to one client. `swap`: it changes places with the next, if that follows directly. */
export type Mishap = 'lose' | 'double' | 'swap'

export interface Wires {
  /** Clients that connect here must do so by WebSocket at once, with their name in the query: `?client=`. */
  url: string
  /** From now on this happens to one in so many messages of each client; `undefined`: everything passes again. */
  spoil: (mishap: Mishap | undefined, oneIn?: number) => void
  /** How often it has happened, by client. */
  mishaps: () => Map<string, number>
}

/** How Socket.IO writes the event that carries a new message. */
const MESSAGE = '42["message:new",'

/** A TCP proxy in front of a node that understands enough of WebSocket to do harm to messages, and to nothing else. */
export async function startWires (t: Scope, target: string): Promise<Wires> {
  const lines = new Set<ReturnType<typeof createLine>>()
  const mishaps = new Map<string, number>()
  let plan: { mishap: Mishap, oneIn: number } | undefined

  const { url } = await startRelay(t, target, (client, upstream) => {
    const line = createLine(client, () => plan, name => mishaps.set(name, (mishaps.get(name) ?? 0) + 1))
    lines.add(line)
    client.on('close', () => lines.delete(line))
    client.on('data', chunk => {
      line.listen(chunk)
      upstream.write(chunk)
    })
    upstream.on('data', line.pass)
  })
  return {
    url,
    spoil (mishap, oneIn = 5) {
      plan = mishap && { mishap, oneIn }
      if (mishap === undefined) for (const line of lines) line.settle()
    },
    mishaps: () => mishaps
  }
}

/** One connection, towards its client. */
function createLine (client: Socket, plan: () => { mishap: Mishap, oneIn: number } | undefined, note: (name: string) => void) {
  let name = ''
  let isUpgraded = false
  let rest: Buffer = Buffer.alloc(0)
  let seen = 0
  let held: Buffer | undefined

  /** What a client says first tells its name. */
  function listen (chunk: Buffer) {
    if (name === '') name = /[?&]client=([^& ]+)/.exec(chunk.toString('latin1'))?.[1] ?? 'unnamed'
  }

  function pass (chunk: Buffer) {
    rest = Buffer.concat([rest, chunk])
    if (!isUpgraded) {
      const end = rest.indexOf('\r\n\r\n')
      if (end < 0) return
      client.write(rest.subarray(0, end + 4))
      rest = rest.subarray(end + 4)
      isUpgraded = true
    }
    for (let frame = firstFrame(rest); frame !== undefined; frame = firstFrame(rest)) {
      rest = rest.subarray(frame.length)
      deliver(frame)
    }
  }

  function deliver (frame: Buffer) {
    const isMessage = frame.includes(MESSAGE)
    if (held !== undefined) {
      // What is not followed by another message keeps its place.
      if (isMessage) {
        client.write(frame)
        note(name)
      }
      client.write(held)
      held = undefined
      if (isMessage) return
    }
    const current = plan()
    if (current === undefined || !isMessage || ++seen % current.oneIn !== 0) return client.write(frame)
    if (current.mishap === 'swap') {
      held = frame
      return
    }
    note(name)
    if (current.mishap === 'double') client.write(Buffer.concat([frame, frame]))
  }

  function settle () {
    if (held !== undefined) client.write(held)
    held = undefined
  }

  return { listen, pass, settle }
}

/** The first frame of a server, which never masks, once all of it is there. */
function firstFrame (bytes: Buffer): Buffer | undefined {
  if (bytes.length < 2) return undefined
  const short = bytes[1]! & 0x7f
  const head = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < head) return undefined
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  return bytes.length < head + length ? undefined : bytes.subarray(0, head + length)
}

import type { Scope } from './processes.ts'
import { startRelay } from './relay.ts'

export interface Proxy {
  /** The target's URL, with this proxy's address. */
  url: string
  /** Answers of the target are held from now on, until they are released. */
  hold: () => void
  /** Lets pass what is held now, and goes on holding; how many pieces that were. */
  release: () => number
  /** How many pieces the target has answered with so far, held or passed on. */
  answers: () => number
  /** What the target says, and `isLost` says so, is lost on its way; without it nothing more is. */
  drop: (isLost?: (chunk: Buffer) => boolean) => void
  /** Nothing passes in either direction, and nobody is told: a partition. */
  pause: () => void
  resume: () => void
  /** Ends all connections as a crash would, and takes no new ones until `resume`. */
  cut: () => void
}

/** A TCP proxy in front of a server, closed at the test's end. */
export async function startProxy (t: Scope, target: string): Promise<Proxy> {
  let held: Array<() => void> | undefined
  let closed = false
  let paused = false
  let answers = 0
  let isLost = (_chunk: Buffer) => false

  const { url, sockets } = await startRelay(t, target, (client, upstream) => {
    if (closed) return client.resetAndDestroy()
    if (paused) for (const socket of [client, upstream]) socket.pause()
    client.on('data', chunk => upstream.write(chunk))
    upstream.on('data', chunk => {
      answers++
      if (isLost(chunk)) return
      if (held === undefined) client.write(chunk)
      else held.push(() => client.write(chunk))
    })
  })
  return {
    url,
    hold () { held = [] },
    release () {
      const pieces = held ?? []
      held = []
      for (const write of pieces) write()
      return pieces.length
    },
    answers: () => answers,
    drop (lost = () => false) { isLost = lost },
    pause () {
      paused = true
      for (const socket of sockets) socket.pause()
    },
    resume () {
      closed = false
      paused = false
      for (const socket of sockets) socket.resume()
    },
    cut () {
      closed = true
      for (const socket of sockets) socket.resetAndDestroy()
    }
  }
}

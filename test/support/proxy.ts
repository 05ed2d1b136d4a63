import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import type { Scope } from './processes.ts'

export interface Proxy {
  /** The target's URL, with this proxy's address. */
  url: string
  /** Answers of the target are held for so many milliseconds, from now on. */
  delay: (ms: number) => void
  /** Nothing passes in either direction, and nobody is told: a partition. */
  pause: () => void
  resume: () => void
  /** Ends all connections as a crash would, and takes no new ones until `resume`. */
  cut: () => void
}

/** A TCP proxy in front of a server, closed at the test's end. */
export async function startProxy (t: Scope, target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let delayMs = 0
  let closed = false

  const server = createServer(client => {
    if (closed) return client.resetAndDestroy()
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true))
      socket.on('close', () => sockets.delete(socket))
      // Each end sees the other one's fate.
      socket.on('error', () => {})
    }
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    client.on('data', chunk => upstream.write(chunk))
    upstream.on('data', chunk => {
      if (delayMs === 0) client.write(chunk)
      else setTimeout(() => client.write(chunk), delayMs)
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => { server.close(resolve) })
  })

  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    delay (ms) { delayMs = ms },
    pause () { for (const socket of sockets) socket.pause() },
    resume () {
      closed = false
      for (const socket of sockets) socket.resume()
    },
    cut () {
      closed = true
      for (const socket of sockets) socket.resetAndDestroy()
    }
  }
}

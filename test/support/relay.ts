import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import type { Scope } from './processes.ts'

export interface Relay {
  /** The target's URL, with this relay's address. */
  url: string
  /** Both ends of every connection that is open. */
  sockets: ReadonlySet<Socket>
}

/**
 * Stands in front of a server until the test's end, on the given port or one of its own: for each connection of a client it opens one to
 * the target, and each end sees the other one's fate. What passes between them is up to `link`.
 */
export async function startRelay (t: Scope, target: string, link: (client: Socket, upstream: Socket) => void, port = 0): Promise<Relay> {
  const { hostname, port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()

  const server = createServer(client => {
    const upstream = connect(Number(targetPort), hostname)
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(socket.setNoDelay(true))
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      // Its close follows, and the other end is told by it.
      socket.on('error', () => {})
    }
    link(client, upstream)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => { server.close(resolve) })
  })

  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return { url: url.href, sockets }
}

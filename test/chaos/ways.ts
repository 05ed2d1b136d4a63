import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Scope } from '../support/processes.ts'

export interface Way {
  /** Stays the same, whichever node is behind it. */
  url: string
  /** Ends its connections as a crash would; the next ones pass. */
  cut: () => void
}

/**
 * One client's way to the server, closed at the test's end: what a client connects to, with whatever `target` names at the moment
 * behind it. `localAddress`: where the other side sees it come from.
 */
export async function openWay (t: Scope, target: () => { url: string, localAddress?: string }): Promise<Way> {
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const { url, localAddress } = target()
    const { hostname, port } = new URL(url)
    const upstream = connect({ host: hostname, port: Number(port), ...(localAddress !== undefined && { localAddress }) })
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(socket.setNoDelay(true))
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      // Its close follows, and the other end is told by it.
      socket.on('error', () => {})
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => { for (const socket of sockets) socket.resetAndDestroy() }
  t.teardown(() => {
    cut()
    return new Promise(resolve => { server.close(resolve) })
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, cut }
}

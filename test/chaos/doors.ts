import { Agent } from 'node:http'
import type { ManagerOptions, SocketOptions } from 'socket.io-client'
import type { Scope } from '../support/processes.ts'
import type { Balancer } from '../support/balancer.ts'

export type Options = Partial<ManagerOptions & SocketOptions>
export interface Door { url: string, options: Options }

/** How clients reach the nodes. */
export interface Doors {
  /** How many nodes a client may choose from; 1 when the choice is not the client's. */
  choices: number
  /** The way of a client to the node of its choice. */
  open: (client: number, node: number) => Door
  /** For each client in turn: the node where it is connected, `undefined` where it is not. Without it the client's choice holds. */
  whereabouts?: (clients: number) => Promise<Array<number | undefined>>
}

/** Clients know the address of each node. `nodes` may change: a node that was started anew has another address. */
export function directDoors (nodes: ReadonlyArray<{ url: string }>, options: Options = {}): Doors {
  return { choices: nodes.length, open: (_client, node) => ({ url: nodes[node]!.url, options }) }
}

/** Clients know the balancer only, and each comes from an address of its own, by which the balancer tells them apart. */
export function balancedDoors (t: Scope, balancer: Balancer, options: Options = {}): Doors {
  const agents = new Map<number, Agent>()
  const addresses: string[] = []
  let given = 0
  t.teardown(() => { for (const agent of agents.values()) agent.destroy() })

  return {
    choices: 1,
    // Another address each time: who comes back on purpose is to come to whatever node.
    open (client) {
      agents.get(client)?.destroy()
      const localAddress = `127.${1 + (++given >> 16)}.${given >> 8 & 255}.${given & 255}`
      addresses[client] = localAddress
      const agent = new Agent({ keepAlive: true, localAddress })
      agents.set(client, agent)
      // Its types know browsers only, which have no agents.
      return { url: balancer.url, options: { ...options, agent: agent as unknown as string } }
    },
    async whereabouts (clients) {
      const servers = await balancer.whereabouts()
      return Array.from({ length: clients }, (_, client) => servers.get(addresses[client]!))
    }
  }
}

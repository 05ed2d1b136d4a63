import { ReplyError } from 'ioredis'
import type { Subscriptions } from './subscriptions.ts'

export interface CanaryOptions {
  /** Of the connection that should hear. */
  subscriptions: Subscriptions
  /** This node's own, and no other's. */
  channel: string
  /** Rejects while Redis is away. */
  publish: (channel: string, text: string) => Promise<unknown>
  /** milliseconds between two songs: one that was not heard when the next is due makes the node deaf */
  every: number
  /** Called every time that Redis answers: for how many milliseconds nothing was heard, 0 for a node that hears. */
  onHearing: (deafForMs: number) => void
}

export interface Canary {
  /** Redis answers, and what is published does not arrive. */
  isDeaf: () => boolean
  stop: () => void
}

/**
 * Finds out that a connection no longer hears what Redis publishes although Redis answers, which nothing else would tell:
 * it sings on a channel of its own and listens. A deaf connection is closed, so that the next one subscribes anew.
 */
export function createCanary ({ subscriptions, channel, publish, every, onHearing }: CanaryOptions): Canary {
  const { client } = subscriptions
  let song = 0
  let heard = 0
  let deafSince: number | undefined
  /** when the last song was taken by Redis; undefined: Redis was away, and silence means nothing */
  let taken: number | undefined
  let reconnecting = false
  let due: NodeJS.Immediate | undefined

  client.on('message', (from: string, text: string) => {
    if (from !== channel || text !== String(song)) return
    heard = song
    deafSince = undefined
  })
  // After a pause of this process its timers come before what has arrived meanwhile: listen first.
  const singing = setInterval(() => { due = setImmediate(turn) }, every)
  singing.unref()

  function turn () {
    // The first turn, when there has been time to connect. The wish stays, and failures are reported there.
    if (!subscriptions.has('subscribe', channel)) return subscriptions.add('subscribe', [channel]).catch(() => {})
    if (taken === undefined) deafSince = undefined
    else if (heard !== song) deafSince ??= taken
    if (taken !== undefined) onHearing(deafSince === undefined ? 0 : performance.now() - deafSince)
    // Where the subscription itself fails it is tried again already.
    if (deafSince === undefined || !subscriptions.isEffective() || reconnecting) {
      reconnecting = false
      return sing()
    }
    // No song before the new connection listens: it would not be heard either.
    reconnecting = true
    client.disconnect(true)
  }

  async function sing () {
    taken = undefined
    const mine = ++song
    try {
      await publish(channel, String(mine))
    } catch (error) {
      // Redis that says no is not away.
      if (!(error instanceof ReplyError)) return
    }
    if (mine === song) taken = performance.now()
  }

  return {
    isDeaf: () => deafSince !== undefined,
    stop () {
      clearInterval(singing)
      clearImmediate(due)
    }
  }
}

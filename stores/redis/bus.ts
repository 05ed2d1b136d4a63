import type { Redis } from 'ioredis'
import type { Bus, Meter, Notice, Reporter } from '../../services/ports.ts'
import { cafeChannel, cafeOfChannel } from './keys.ts'
import type { Seal } from './seal.ts'
import { parseFrame } from './shapes.ts'
import type { Subscriptions } from './subscriptions.ts'

/** `isDeaf`: Redis answers, but what it publishes does not arrive. */
interface Parts { data: (key: string) => Redis, feed: Subscriptions, isDeaf: () => boolean, seal: Seal }

/** One Redis channel per cafe. A cafe's notices leave over one connection, so they arrive in the order they were published in. */
export function createBus ({ data, feed, isDeaf, seal }: Parts, nodeId: string, meter: Meter, reporter: Reporter): Bus {
  const listeners: Array<(cafeId: string, notice: Notice, nodeId: string) => void> = []
  const own = JSON.stringify({ node: nodeId }).slice(0, -1)

  feed.client.on('message', (channel: string, sealed: string) => {
    const cafeId = cafeOfChannel(channel)
    if (cafeId === undefined || !feed.has('subscribe', channel)) return
    const text = seal.open(channel, sealed)
    if (text === undefined) return meter.count('dropped_frames', 'bus_forged')
    // What this node said comes back to it, and is no news.
    if (text.startsWith(own)) return
    const frame = parseFrame(cafeId, text)
    if (frame === undefined) return meter.count('dropped_frames', 'bus_junk')
    hand(cafeId, frame.notice, frame.node)
  })

  // A listener that fails must not take the connection's other listeners, or the process, with it.
  function hand (cafeId: string, notice: Notice, from: string) {
    for (const listener of listeners) {
      try {
        listener(cafeId, notice, from)
      } catch (error) {
        reporter.warn(error, 'take a notice')
      }
    }
  }

  async function send (cafeId: string, notice: Notice) {
    const channel = cafeChannel(cafeId)
    await data(channel).publish(channel, seal.wrap(channel, JSON.stringify({ node: nodeId, notice })))
  }

  return {
    publish (cafeId, notice) {
      send(cafeId, notice).catch(error => {
        meter.count('dropped_frames', 'bus_publish')
        reporter.warn(error, 'publish a notice')
      })
    },
    subscribe: (cafeId) => feed.add('subscribe', [cafeChannel(cafeId)]),
    unsubscribe: (cafeId) => feed.remove('subscribe', [cafeChannel(cafeId)]),
    onNotice: (listener) => { listeners.push(listener) },
    onReconnect: feed.onEffective,
    isLive: () => feed.isEffective() && !isDeaf()
  }
}

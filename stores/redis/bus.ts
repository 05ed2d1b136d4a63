import type { Redis } from 'ioredis'
import type { Bus, Meter, Notice, Reporter } from '../../services/ports.ts'
import { cafeChannel, cafeOfChannel } from './keys.ts'
import { parseFrame } from './shapes.ts'
import { createSubscriptions } from './subscriptions.ts'

interface Clients { data: (key: string) => Redis, feed: Redis }

/** One Redis channel per cafe. A cafe's notices leave over one connection, so they arrive in the order they were published in. */
export function createBus ({ data, feed }: Clients, nodeId: string, meter: Meter, reporter: Reporter): Bus {
  const subscriptions = createSubscriptions(feed, error => reporter.warn(error, 'subscribe to cafes'))
  const listeners: Array<(cafeId: string, notice: Notice, nodeId: string) => void> = []

  feed.on('message', (channel: string, text: string) => {
    const cafeId = cafeOfChannel(channel)
    if (cafeId === undefined || !subscriptions.has('subscribe', channel)) return
    const frame = parseFrame(cafeId, text)
    if (frame === undefined) return meter.count('dropped_frames', 'bus_junk')
    if (frame.node !== nodeId) hand(cafeId, frame.notice, frame.node)
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
    await data(channel).publish(channel, JSON.stringify({ node: nodeId, notice }))
  }

  return {
    publish (cafeId, notice) {
      send(cafeId, notice).catch(error => {
        meter.count('dropped_frames', 'bus_publish')
        reporter.warn(error, 'publish a notice')
      })
    },
    subscribe: (cafeId) => subscriptions.add('subscribe', [cafeChannel(cafeId)]),
    unsubscribe: (cafeId) => subscriptions.remove('subscribe', [cafeChannel(cafeId)]),
    onNotice: (listener) => { listeners.push(listener) },
    onReconnect: subscriptions.onEffective,
    isLive: subscriptions.isEffective
  }
}

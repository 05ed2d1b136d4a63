import type { Redis } from 'ioredis'
import type { Alert, Alerts, Meter, Reporter } from '../../services/ports.ts'
import { alertsChannel } from './keys.ts'
import type { Seal } from './seal.ts'
import { parseAlert } from './shapes.ts'
import type { Subscriptions } from './subscriptions.ts'

interface Parts { data: (key: string) => Redis, feed: Subscriptions, seal: Seal }

/** One channel for all nodes. */
export function createAlerts ({ data, feed, seal }: Parts, nodeId: string, meter: Meter, reporter: Reporter): Alerts {
  const listeners: Array<(alert: Alert) => void> = []
  const channel = alertsChannel()

  feed.client.on('message', (from: string, sealed: string) => {
    if (from !== channel) return
    const text = seal.open(channel, sealed)
    if (text === undefined) return meter.count('dropped_frames', 'alert_forged')
    const frame = parseAlert(text)
    if (frame === undefined) return meter.count('dropped_frames', 'alert_junk')
    if (frame.node !== nodeId) hand(frame.alert)
  })

  // A listener that fails must not take the connection's other listeners, or the process, with it.
  function hand (alert: Alert) {
    for (const listener of listeners) {
      try {
        listener(alert)
      } catch (error) {
        reporter.warn(error, 'take an alert')
      }
    }
  }

  async function publish (alert: Alert) {
    await data(channel).publish(channel, seal.wrap(channel, JSON.stringify({ node: nodeId, alert })))
  }

  return {
    send (alert) {
      publish(alert).catch(error => {
        meter.count('dropped_frames', 'alert_publish')
        reporter.warn(error, 'publish an alert')
      })
    },
    listen: () => feed.add('subscribe', [channel]),
    onAlert: (listener) => { listeners.push(listener) }
  }
}

import { EventEmitter } from 'node:events'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import type { Redis } from 'ioredis'
import type { Meter, Reporter } from '../../services/ports.ts'
import { decodeBroadcast, isSoundMessage, isSoundRequest } from './adapter-frames.ts'
import { canaryPrefix } from './keys.ts'
import type { Seal } from './seal.ts'
import type { Kind, Subscriptions } from './subscriptions.ts'

export interface GuardedAdapterOptions {
  publisher: Redis
  /** Of a connection that serves the adapter alone. */
  subscriber: Subscriptions
  /** Sharded pub/sub, one channel per room with members on a node: Redis 7 and newer. */
  sharded: boolean
  seal: Seal
  meter: Meter
  reporter: Reporter
}

const list = (channels: string | string[]) => typeof channels === 'string' ? [channels] : channels

/**
 * The Socket.IO adapter over Redis, between two guards. It never catches what its clients reject, and a frame of a stranger
 * would end the process; so it gets stand-ins of the clients, whose promises never reject and who hand on sound frames only.
 * At most once: what is lost while Redis is away, or is not sound, is counted in `dropped_frames`.
 */
export function createGuardedAdapter ({ publisher, subscriber, sharded, seal, meter, reporter }: GuardedAdapterOptions): ReturnType<typeof createAdapter> | ReturnType<typeof createShardedAdapter> {
  const sender = guardPublisher(publisher, seal, meter, reporter)
  const receiver = guardSubscriber(subscriber, seal, meter, reporter)
  if (sharded) return createShardedAdapter(sender, receiver, { subscriptionMode: 'dynamic' })

  const parser = {
    encode: (value: unknown) => JSON.stringify(value),
    decode (raw: Buffer) {
      const frame = decodeBroadcast(raw)
      if (frame.length === 0) meter.count('dropped_frames', 'adapter_junk')
      return frame
    }
  }
  return createAdapter(sender, receiver, { parser, publishOnSpecificResponseChannel: true })
}

/** A client that publishes without waiting: local sockets must not wait for Redis either. Its answer counts no receivers. */
function guardPublisher (client: Redis, seal: Seal, meter: Meter, reporter: Reporter) {
  async function send (command: 'publish' | 'spublish', channel: string, frame: string) {
    try {
      if (typeof frame !== 'string') throw new TypeError('events between nodes carry JSON, not binary data')
      await client[command](channel, seal.wrap(channel, frame))
    } catch (error) {
      meter.count('dropped_frames', 'adapter_publish')
      reporter.warn(error, 'publish to other nodes')
    }
  }

  return Object.assign(new EventEmitter(), {
    publish (channel: string, frame: string) {
      send('publish', channel, frame)
      return Promise.resolve(0)
    },
    spublish (channel: string, frame: string) {
      send('spublish', channel, frame)
      return Promise.resolve(0)
    },
    // For the number of servers.
    send_command (command: string, args: string[], callback: (error: unknown, reply?: unknown) => void) {
      client.call(command, args).then(reply => callback(null, reply), error => callback(error))
    }
  })
}

/** A client that keeps what it was asked to hear, and hands on what the adapter can take. */
function guardSubscriber (subscriptions: Subscriptions, seal: Seal, meter: Meter, reporter: Reporter) {
  const { client } = subscriptions
  // Some of the adapter's listeners are async functions: their failures come here instead of ending the process.
  const adapter = new EventEmitter({ captureRejections: true })
  Object.assign(adapter, { [Symbol.for('nodejs.rejection')]: drop })

  function drop (error: unknown) {
    meter.count('dropped_frames', 'adapter_junk')
    reporter.warn(error, 'take a frame of another node')
  }

  function hand (event: string, isSound: (raw: Buffer) => boolean, pattern: string[], channel: Buffer, sealed: Buffer) {
    const name = channel.toString()
    if (name.startsWith(canaryPrefix)) return // it listens by itself
    const text = seal.open(name, sealed.toString())
    if (text === undefined) return meter.count('dropped_frames', 'adapter_forged')
    const raw = Buffer.from(text)
    if (!isSound(raw)) return meter.count('dropped_frames', 'adapter_junk')
    try {
      adapter.emit(event, ...pattern, channel, raw)
    } catch (error) {
      drop(error)
    }
  }

  // The classic adapter has its broadcasts checked by the parser, the rest here.
  client.on('pmessageBuffer', (pattern: string, channel: Buffer, raw: Buffer) => hand('pmessageBuffer', () => true, [pattern], channel, raw))
  client.on('messageBuffer', (channel: Buffer, raw: Buffer) => hand('messageBuffer', isSoundRequest, [], channel, raw))
  client.on('smessageBuffer', (channel: Buffer, raw: Buffer) => hand('smessageBuffer', isSoundMessage, [], channel, raw))

  // What fails is reported by the subscriptions and mended by them.
  const add = (kind: Kind) => (channels: string | string[]) => subscriptions.add(kind, list(channels)).catch(() => {})
  const remove = (kind: Kind) => (channels: string | string[]) => subscriptions.remove(kind, list(channels)).catch(() => {})
  return Object.assign(adapter, {
    subscribe: add('subscribe'),
    psubscribe: add('psubscribe'),
    ssubscribe: add('ssubscribe'),
    unsubscribe: remove('subscribe'),
    punsubscribe: remove('psubscribe'),
    sunsubscribe: remove('ssubscribe')
  })
}

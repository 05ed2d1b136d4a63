import type { Redis } from 'ioredis'

export type Kind = 'subscribe' | 'psubscribe' | 'ssubscribe'

/** What one connection is to hear. A wish holds until it is taken back, through any number of outages. */
export interface Subscriptions {
  readonly client: Redis
  /** Resolves when Redis confirms; rejects when it does not now, and then takes effect once Redis is back. */
  add: (kind: Kind, channels: readonly string[]) => Promise<void>
  remove: (kind: Kind, channels: readonly string[]) => Promise<void>
  has: (kind: Kind, channel: string) => boolean
  /** Connected, and everything that was wished for at the time is heard. */
  isEffective: () => boolean
  /** After each (re)connection and each failure, once everything that is wished for is heard. */
  onEffective: (listener: () => void) => void
}

const KINDS: readonly Kind[] = ['subscribe', 'psubscribe', 'ssubscribe']
const OPPOSITE = { subscribe: 'unsubscribe', psubscribe: 'punsubscribe', ssubscribe: 'sunsubscribe' } as const
/** Channels of one command. */
const BATCH = 500
const RETRY_MS = 1000

/**
 * Keeps a connection subscribed. ioredis would resubscribe by itself, but it forgets what was asked for while Redis was away,
 * and nobody could catch its failure; so the client must have `autoResubscribe: false`.
 * Changes of one turn share commands, and their outcome. `onFailure` hears what nobody waits for.
 */
export function createSubscriptions (client: Redis, onFailure: (error: unknown) => void): Subscriptions {
  const create = () => ({ wanted: new Set<string>(), sent: new Set<string>(), dirty: new Set<string>() })
  const states = { subscribe: create(), psubscribe: create(), ssubscribe: create() }
  const listeners: Array<() => void> = []
  let next: Promise<void> | undefined
  let effective = false
  let connection = 0
  let retry: NodeJS.Timeout | undefined

  client.on('close', () => {
    effective = false
    connection++
    clearTimeout(retry)
    for (const { sent } of Object.values(states)) sent.clear()
  })
  client.on('ready', resume)
  if (client.status === 'ready') resume()

  function resume () {
    for (const { wanted, dirty } of Object.values(states)) for (const channel of wanted) dirty.add(channel)
    flush().catch(retryLater)
  }

  function retryLater (error: unknown) {
    effective = false
    onFailure(error)
    clearTimeout(retry)
    // Without a connection there is nothing to retry: `ready` will come.
    if (client.status === 'ready') retry = setTimeout(() => flush().catch(retryLater), RETRY_MS).unref()
  }

  async function flush () {
    if (client.status !== 'ready') throw new Error('Redis is away: subscriptions take effect when it is back')
    const commands = KINDS.flatMap(kind => [...commandsOf(kind)])
    const failed = (await Promise.allSettled(commands)).find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    if (effective || KINDS.some(kind => states[kind].dirty.size > 0)) return
    effective = true
    for (const listener of listeners) listener()
  }

  function * commandsOf (kind: Kind) {
    const { wanted, sent, dirty } = states[kind]
    const added = [...dirty].filter(channel => wanted.has(channel) && !sent.has(channel))
    const removed = [...dirty].filter(channel => !wanted.has(channel) && sent.has(channel))
    dirty.clear()
    for (const channel of added) sent.add(channel)
    for (const channel of removed) sent.delete(channel)
    for (const batch of batches(added)) yield run(kind, kind, batch)
    for (const batch of batches(removed)) yield run(kind, OPPOSITE[kind], batch)
  }

  async function run (kind: Kind, command: Kind | typeof OPPOSITE[Kind], batch: string[]) {
    const { wanted, sent, dirty } = states[kind]
    const asked = connection
    try {
      await client[command](...batch)
    } catch (error) {
      // Done or not: on the same connection it is asked for again, a new one starts from what is wished for.
      for (const channel of batch) {
        dirty.add(channel)
        if (asked !== connection) continue
        if (wanted.has(channel)) sent.delete(channel)
        else sent.add(channel)
      }
      throw error
    }
  }

  function change (kind: Kind, channels: readonly string[], apply: (wanted: Set<string>, channel: string) => void): Promise<void> {
    for (const channel of channels) {
      apply(states[kind].wanted, channel)
      states[kind].dirty.add(channel)
    }
    if (next === undefined) {
      next = new Promise(resolve => { setImmediate(resolve) }).then(() => {
        next = undefined
        return flush()
      })
      next.catch(retryLater)
    }
    return next
  }

  return {
    client,
    add: (kind, channels) => change(kind, channels, (wanted, channel) => wanted.add(channel)),
    remove: (kind, channels) => change(kind, channels, (wanted, channel) => wanted.delete(channel)),
    has: (kind, channel) => states[kind].wanted.has(channel),
    isEffective: () => effective,
    onEffective: (listener) => { listeners.push(listener) }
  }
}

function * batches (channels: string[]) {
  for (let start = 0; start < channels.length; start += BATCH) yield channels.slice(start, start + BATCH)
}

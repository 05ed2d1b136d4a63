import { Redis, type RedisOptions } from 'ioredis'
import { scripts } from './scripts.ts'
// Each adds its scripts to that list.
import './scripts-limits.ts'
import './scripts-presence.ts'
import './scripts-recent.ts'
import './scripts-repeats.ts'
import './scripts-statuses.ts'
import './scripts-topics.ts'

/** Of a logger (pino's shape). */
export interface Log { warn: (details: object, message: string) => void, info: (details: object, message: string) => void }

export interface RedisClients {
  /** For the Socket.IO adapter. */
  publisher: Redis
  /** For the Socket.IO adapter; subscriptions only through stores/redis/subscriptions.ts. */
  subscriber: Redis
  /** For the bus; subscriptions only through stores/redis/subscriptions.ts. */
  feed: Redis
  /** At least one, for all commands. */
  data: readonly Redis[]
  /** Resolves once every connection was ready; rejects when `close` comes first. */
  ready: () => Promise<void>
  /** Ends all connections, in order where Redis answers. Takes at most a second; never rejects. */
  close: () => Promise<void>
}

/** The connections that are no data lanes: publisher, subscriber, feed. */
const OTHERS = 3
const CONNECT_TIMEOUT_MS = 2000
const COMMAND_TIMEOUT_MS = 300
/** A connection that owes an answer for so long is given up: what follows fails at once instead of waiting. */
const SILENCE_MS = 1000
/** After a command that had no answer in time, further ones are not even tried for so long. */
const REST_MS = 500
const SUBSCRIBE_TIMEOUT_MS = 500
const SUBSCRIBER_SILENCE_MS = 3000
const RETRY_MAX_MS = 1000
const CLOSE_TIMEOUT_MS = 1000

const common = {
  connectTimeout: CONNECT_TIMEOUT_MS,
  keepAlive: 5000,
  // Nothing waits for a Redis that is away, and nothing that was given up is sent later, behind the back of who gave it up.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  // Not for ever the same wait: nodes that lost Redis together should not come back together.
  retryStrategy: (times: number) => Math.min(RETRY_MAX_MS, 50 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2)
} satisfies RedisOptions
const commands = { ...common, scripts, enableAutoPipelining: true, commandTimeout: COMMAND_TIMEOUT_MS, socketTimeout: SILENCE_MS } satisfies RedisOptions
const subscribers = { ...common, autoResubscribe: false, commandTimeout: SUBSCRIBE_TIMEOUT_MS, socketTimeout: SUBSCRIBER_SILENCE_MS } satisfies RedisOptions

/**
 * Opens `poolSize` connections (4 or more) to `url` (`redis://` or `rediss://`). They reconnect for ever. An outage is logged
 * once, and its end once. Commands reject while Redis is away, at once or within 300 ms; once one did, those on all connections
 * do so at once, for a while.
 */
export function createRedisClients (url: string, poolSize: number, log: Log): RedisClients {
  if (poolSize <= OTHERS) throw new RangeError(`poolSize must be above ${OTHERS}: ${poolSize}`)
  const open = (name: string, options: typeof commands | typeof subscribers) => new Redis(url, { ...options, connectionName: `klatsch-${name}` })
  const publisher = open('publisher', commands)
  const subscriber = open('subscriber', subscribers)
  const feed = open('feed', subscribers)
  const data = Array.from({ length: poolSize - OTHERS }, (_, index) => open(`data-${index}`, commands))
  const all = [publisher, subscriber, feed, ...data]
  watch(all, log)
  restOnSilence([publisher, ...data])
  const closing = new AbortController()

  return {
    publisher,
    subscriber,
    feed,
    data,
    ready: async () => { await Promise.race([Promise.all(all.map(whenReady)), whenAborted(closing.signal)]) },
    async close () {
      closing.abort()
      // What was asked for just now waits for the end of the turn, to share a round trip.
      await new Promise(resolve => { setImmediate(resolve) })
      await Promise.all(all.map(end))
    }
  }
}

/** The data connection of a key: always the same, so that commands about one key stay in order. */
export function lane ({ data }: Pick<RedisClients, 'data'>, key: string): Redis {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return data[(hash >>> 0) % data.length]!
}

/** Major version of the server; of Valkey, that of the Redis it stands in for. Rejects while Redis is away. */
export async function redisVersion (client: Redis): Promise<number> {
  const info = await client.info('server')
  const version = /^redis_version:(\d+)/m.exec(info)?.[1]
  if (version === undefined) throw new Error('The server does not tell its redis_version')
  return Number(version)
}

function watch (clients: Redis[], log: Log) {
  let away = false
  for (const client of clients) {
    client.on('error', (error: Error) => {
      if (away) return
      away = true
      log.warn({ err: error }, 'Redis is away')
    })
    client.on('ready', () => {
      if (!away || clients.some(({ status }) => status !== 'ready')) return
      away = false
      log.info({}, 'Redis is back')
    })
  }
}

/** A Redis that is silent to one is silent to all: a send that asks it twice must not wait twice. */
function restOnSilence (clients: readonly Redis[]) {
  let resting: NodeJS.Timeout | undefined

  function note (error: Error) {
    if (error.message === 'Command timed out') resting ??= setTimeout(() => { resting = undefined }, REST_MS).unref()
  }

  for (const client of clients) {
    const send = client.sendCommand.bind(client)
    client.sendCommand = function sendCommand (command, ...others) {
      // Only what is asked of a connection that seems well: one that is being set up has its own questions.
      if (resting !== undefined && client.status === 'ready') {
        command.reject(new Error('Redis has just been silent'))
        return command.promise
      }
      command.promise.catch(note)
      return send(command, ...others)
    }
  }
}

async function whenReady (client: Redis) {
  if (client.status !== 'ready') await new Promise<void>((resolve) => { client.once('ready', resolve) })
}

/** Never resolves. */
function whenAborted (signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('The connections to Redis were closed before they were ready')), { once: true })
  })
}

async function end (client: Redis) {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise((resolve) => { timer = setTimeout(resolve, CLOSE_TIMEOUT_MS) })
  // A Redis that is away refuses to say goodbye: the connection goes all the same.
  await Promise.race([client.quit().catch(() => {}), timeout])
  clearTimeout(timer)
  client.disconnect()
}

import { Type, type Static } from '@sinclair/typebox'
import { OneOf } from './common.ts'
import { type Issuer, MIN_SECRET_LENGTH } from './issuers.ts'

const int = (value: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: value, minimum, maximum, description })
const text = (value: string, description: string) => Type.String({ default: value, description })

const LIFE = '^[1-9][0-9]{0,8}[smhd]$'

/** The environment. Defaults live here and nowhere else; the README's table is checked against it. */
export const Env = Type.Object({
  NODE_ENV: OneOf(['development', 'test', 'production'] as const, { default: 'development', description: '`production` refuses to start without DATABASE_URL and JWT_SECRET' }),
  HOST: text('127.0.0.1', 'Address to listen on; `0.0.0.0` for all'),
  PORT: int(3000, 0, 65535, 'Port to listen on; 0 takes a free one'),
  LOG_LEVEL: OneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const, { default: 'info', description: 'Least level that is logged' }),
  DRAIN_WAIT: int(1000, 0, 5000, 'Milliseconds between not being ready any more and closing, after SIGTERM: a balancer needs them to notice'),
  DATA_DIR: text('.data', 'Where the embedded PostgreSQL and a generated secret live'),
  DATABASE_URL: Type.Optional(Type.String({ pattern: '^postgres(ql)?://', description: 'PostgreSQL 14 to 18; without it an embedded one is started' })),
  REDIS_URL: Type.Optional(Type.String({ pattern: '^rediss?://[^/\\s]', description: 'Redis 6.2 to 8 or Valkey; without it one process keeps hot state in memory' })),
  PG_POOL_SIZE: int(20, 2, 1000, 'PostgreSQL connections of a node'),
  PG_TIMEOUT: int(900, 100, 60_000, 'Milliseconds until a call that waits for PostgreSQL is answered by an error'),
  PG_MAX_WAITING: int(1000, 1, 1_000_000, 'Calls of a node that may wait for a PostgreSQL connection'),
  REDIS_POOL_SIZE: int(10, 4, 100, 'Redis connections of a node, three of them for publish and subscribe'),
  REDIS_CANARY: int(2500, 100, 60_000, 'Milliseconds between checks that what Redis publishes arrives; after six in vain a node is not ready'),
  JWT_SECRET: Type.Optional(Type.String({ minLength: MIN_SECRET_LENGTH, pattern: '^\\S.*\\S$', description: 'Secret of the tokens (HS256), at least 32 characters and not one that is known from an example; without it one is made and kept in DATA_DIR' })),
  JWT_EXPIRES_IN: Type.String({ default: '1d', pattern: LIFE, description: 'Life of the tokens made here: a number and s, m, h or d' }),
  JWT_REVOKED_FOR: Type.String({ default: '30d', pattern: LIFE, description: 'How long a revocation is remembered, at least JWT_EXPIRES_IN: as long as the longest token of any issuer lives' }),
  JWT_ISSUERS: Type.Optional(Type.String({ description: 'Other issuers whose tokens are taken, as a JSON array' })),
  CORS_ORIGIN: text('', 'Origins of web pages that may connect, comma separated; `*` for all; empty for the same origin only'),
  TRUST_PROXY: text('', 'Addresses or networks of proxies whose X-Forwarded headers count, comma separated'),
  SOCKET_PATH: Type.String({ default: '/socket.io', pattern: '^/(?!(?:api|health|metrics|docs)(?:/|$))[!-~]*[^/]$', description: 'Path of Socket.IO; not one of REST' }),
  SOCKET_PING_INTERVAL: int(10_000, 100, 300_000, 'Milliseconds between heartbeats of a connection'),
  SOCKET_PING_TIMEOUT: int(10_000, 100, 300_000, 'Milliseconds a client has to answer one'),
  SOCKET_MAX_PAYLOAD: int(65_536, 1_024, 10_485_760, 'Bytes of one event or REST body'),
  SOCKET_MAX_BUFFERED: int(1_048_576, 65_536, 1_073_741_824, 'Bytes kept for a client that does not read on; over it the connection is closed'),
  SOCKET_MAX_PACKETS: int(5000, 10, 10_000_000, 'Packets kept for a client that does not read on; over it the connection is closed'),
  SOCKET_MAX_ERRORS: int(50, 1, 1_000_000, '`error` events that a connection is sent in a second; of what else fails it hears nothing'),
  SOCKET_MAX_CAFES: int(50, 1, 10_000, 'Cafes one socket may be in'),
  SOCKET_WRITE_COALESCING: OneOf(['on', 'off'] as const, { default: 'on', description: '`off` writes each packet to the network by itself, for comparisons' }),
  PRESSURE_DELAY: int(1000, 0, 60_000, 'Milliseconds that the event loop may be late, on average over a second; above it requests and joins are refused. 0: however late it is'),
  PRESSURE_HEAP: int(90, 0, 100, 'Percent of the heap that may be in use; above it requests and joins are refused. 0: all of it'),
  CHAT_MESSAGE_MAX_LENGTH: int(500, 1, 4000, 'Code points of a message'),
  CHAT_HISTORY_LIMIT: int(50, 1, 100, 'Messages a join begins with, and of a REST page'),
  CHAT_CACHE_SIZE: int(100, 1, 1000, 'Newest messages of a cafe kept in memory and in Redis'),
  CHAT_KEEP_PAGE: OneOf(['on', 'off'] as const, { default: 'on', description: '`off` writes the newest page of a cafe anew for each who joins or reads it, for comparisons' }),
  CHAT_TYPING_TIMEOUT: int(3000, 50, 60_000, 'Milliseconds until a typing indicator ends by itself'),
  CHAT_TYPING_ROOM: int(50, 1, 1_000_000, 'Members of a cafe above which typing is told in summaries, one a second'),
  CHAT_LIMITS: OneOf(['on', 'off'] as const, { default: 'on', description: '`off` lifts rate limits and the repeated-content check, for load tests' }),
  CHAT_USER_RATE: int(20, 1, 1_000_000, 'Messages a user may send in 10 seconds, edits included'),
  CHAT_CAFE_RATE: int(2000, 1, 1_000_000, 'Messages a cafe takes in 10 seconds'),
  CHAT_JOIN_USER_RATE: int(500, 1, 1_000_000, 'Joins of a user in 10 seconds'),
  CHAT_JOIN_CAFE_RATE: int(100_000, 1, 1_000_000, 'Joins a cafe takes in 10 seconds'),
  CHAT_TYPING_USER_RATE: int(200, 1, 1_000_000, 'Times in 10 seconds that a user may say that they type: to one node, and to all nodes those that others see'),
  CHAT_TYPING_CAFE_RATE: int(5000, 1, 1_000_000, 'Times in 10 seconds that somebody may be seen to begin to type in a cafe'),
  CHAT_PRESENCE_USER_RATE: int(50, 1, 1_000_000, 'Changes of their status that a user may make in 10 seconds'),
  CHAT_PRESENCE_CAFE_RATE: int(5000, 1, 1_000_000, 'Changes of status that a cafe is told of in 10 seconds'),
  CHAT_REPEAT_WINDOW: int(10_000, 0, 3_600_000, 'Milliseconds in which the same content is refused as repeated'),
  CHAT_SEND_QUEUE: int(10_000, 1, 1_000_000, 'Sends that may wait for the database on one node'),
  CHAT_SEND_BATCH: int(500, 1, 1000, 'Sends that share a commit at most; 1, for comparisons: each has its own'),
  CHAT_FEED_CHECK: int(3000, 100, 60_000, 'Milliseconds between comparisons of the open cafes with the database'),
  CHAT_FEED_LINGER: int(5000, 100, 3_600_000, 'Milliseconds a cafe without members stays in memory'),
  CHAT_FEED_MAX_OPEN: int(20_000, 1, 10_000_000, 'Cafes a node keeps in memory at the same time'),
  PRESENCE_HEARTBEAT: int(2000, 100, 60_000, "Milliseconds between a node's heartbeats"),
  PRESENCE_LEASE: int(9000, 300, 300_000, 'Milliseconds after which a silent node counts as dead'),
  PRESENCE_GRACE: int(2000, 0, 60_000, 'Milliseconds a user who lost their last connection still counts, so that a reload is no coming and going'),
  TOPIC_MIN_WORD_LENGTH: int(4, 1, 64, 'Letters of the shortest topic, in scripts with spaces'),
  TOPIC_MAX_TOPICS: int(50, 1, 1000, 'Topics that may be shown'),
  TOPIC_EXPIRY_SECONDS: int(3600, 1, 2_592_000, 'Seconds after which a word that nobody says any more is no topic')
})
export type Env = Static<typeof Env>

/** The configuration as the code reads it. Times in milliseconds, sizes in bytes unless said. */
export interface Config {
  production: boolean
  host: string
  port: number
  logLevel: Env['LOG_LEVEL']
  drainWait: number
  dataDir: string
  trustProxy: string[]
  postgres: { url: string | undefined, poolSize: number, timeout: number, maxWaiting: number }
  redis: { url: string | undefined, poolSize: number, canary: number }
  /** `revokedFor`: milliseconds */
  jwt: { secret: string | undefined, expiresIn: string, revokedFor: number, issuers: Issuer[] }
  /** `'*'`, or the exact origins; the same origin is always allowed */
  origins: '*' | string[]
  socket: { path: string, pingInterval: number, pingTimeout: number, maxPayload: number, maxBuffered: number, maxPackets: number, maxErrors: number, maxCafes: number, coalesceWrites: boolean }
  /** `maxHeap`: percent; 0: no bound */
  pressure: { maxDelay: number, maxHeap: number }
  chat: { maxLength: number, historyLimit: number, cacheSize: number, keepPage: boolean, typingTimeout: number, typingRoom: number, sendQueue: number, sendBatch: number }
  /** `rates`: what a bucket holds, and gets back in 10 seconds */
  limits: { enabled: boolean, rates: Record<'send' | 'typing' | 'join' | 'presence', { user: number, cafe: number }>, repeatWindow: number }
  feed: { check: number, linger: number, maxOpen: number }
  presence: { heartbeat: number, lease: number, grace: number }
  topics: { minWordLength: number, maxTopics: number, expiry: number }
}

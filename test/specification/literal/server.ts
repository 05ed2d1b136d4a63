import { buildLiteral } from './app.ts'

// The process around the literal server: environment in, the address on one log line out, SIGTERM to end it.
const { DATABASE_URL, REDIS_URL, JWT_SECRET, HOST, PORT, LOG_LEVEL, TOPIC_EXPIRY_SECONDS, MESSAGES_PER_MINUTE } = process.env
if (!DATABASE_URL || !REDIS_URL || !JWT_SECRET) throw new Error('DATABASE_URL, REDIS_URL and JWT_SECRET must be set')

const app = await buildLiteral({
  databaseUrl: DATABASE_URL,
  redisUrl: REDIS_URL,
  jwtSecret: JWT_SECRET,
  logLevel: LOG_LEVEL ?? 'info',
  topicExpirySeconds: Number(TOPIC_EXPIRY_SECONDS ?? 3600),
  messagesPerMinute: Number(MESSAGES_PER_MINUTE ?? 600)
})
process.once('SIGTERM', () => { app.close() })
await app.listen({ host: HOST ?? '127.0.0.1', port: Number(PORT ?? 0) })

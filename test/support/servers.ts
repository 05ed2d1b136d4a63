/** The real servers that tests run against. Each is closed with the test that asked for it, and at the latest with the run. */
export { createDatabase, createTemplate } from './databases.ts'
export { startPostgres, type OwnPostgres } from './postgres.ts'
export { end, freePort, launch, until, type Exit, type Scope } from './processes.ts'
export { redisUrl, startRedis, type OwnRedis } from './redis.ts'
export { startServer, type OwnServer } from './server.ts'

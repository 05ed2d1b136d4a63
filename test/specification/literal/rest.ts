import type { FastifyInstance } from 'fastify'
import type { Redis } from 'ioredis'
import type { Pool } from 'pg'
import type { Messages } from './messages.ts'
import type { MessageRow } from './tables.ts'
import type { Topics } from './topics.ts'

interface OfCafe { Params: { cafeId: string }, Querystring: { limit?: string, offset?: string } }
interface OfMessage { Params: { messageId: string } }

export interface RestParts { pool: Pool, redis: Redis, messages: Messages, topics: Topics }

function show (row: MessageRow) {
  return {
    id: row.id,
    cafeId: row.cafe_id,
    userId: row.user_id,
    username: row.username,
    content: row.content,
    createdAt: row.created_at.toISOString(),
    deleted: row.deleted
  }
}

/** The four endpoints. Any valid token may do anything, and bounds are taken as they come. */
export function addRest (app: FastifyInstance, { pool, redis, messages, topics }: RestParts): void {
  app.addHook('onRequest', async request => { await request.jwtVerify() })

  app.get<OfCafe>('/api/chat/messages/:cafeId', async function onHistory (request) {
    const limit = Number(request.query.limit ?? 50)
    const offset = Number(request.query.offset ?? 0)
    const { rows, total } = await messages.page(request.params.cafeId, limit, offset)
    return { messages: rows.map(show), total, limit, offset }
  })

  app.delete<OfMessage>('/api/chat/messages/:messageId', async function onDelete (request) {
    await messages.remove(request.params.messageId)
    return { success: true, message: 'Message deleted' }
  })

  app.get<OfCafe>('/api/chat/presence/:cafeId', async function onPresence (request) {
    const { cafeId } = request.params
    const ids = await redis.smembers(`cafe:${cafeId}:users`)
    const { rows } = await pool.query<{ id: string, username: string }>(
      'select id, username from users where id = any($1::uuid[])', [ids]
    )
    const users = await Promise.all(rows.map(async ({ id, username }) => {
      const { status, lastSeen } = await redis.hgetall(`user:${id}:presence`)
      return { id, username, status, lastSeen: new Date(Number(lastSeen)).toISOString() }
    }))
    return { cafeId, userCount: ids.length, users }
  })

  app.get<OfCafe>('/api/chat/topics/:cafeId', async function onTopics (request) {
    const { cafeId } = request.params
    return { cafeId, topics: await topics.trending(cafeId, Number(request.query.limit ?? 10)) }
  })
}

import pg from 'pg'
import type { Cafe, Message, MessagePage, Session } from '../../schemas/index.ts'
import { migrate } from '../../stores/postgres/migrate.ts'
import { forge } from '../corpus/tokens.ts'
import { SECRET } from '../support/build.ts'
import { createDatabase, createTemplate, type Scope, startServer } from '../support/servers.ts'
import { call, guest, openCafe } from '../support/sockets.ts'
import type { Document } from './steps.ts'
import type { Truth } from './view.ts'

const PAGE = 100
const AMPLE = '1000000'

/** Rates are ample where a session would see nothing else, and small where a refusal changes nothing that is stored. */
const settings = { CHAT_USER_RATE: AMPLE, CHAT_CAFE_RATE: AMPLE, CHAT_JOIN_USER_RATE: AMPLE, CHAT_REPEAT_WINDOW: '200', SOCKET_MAX_CAFES: '2', SOCKET_MAX_ERRORS: '100', CHAT_HISTORY_LIMIT: '20', CHAT_CACHE_SIZE: '20', PRESENCE_GRACE: '100', PG_TIMEOUT: '5000', PRESSURE_DELAY: '0' }

/** A server process of its own with a database, on the memory drivers, and three people: two guests and a moderator. */
export async function createWorld (t: Scope) {
  const databaseUrl = await createDatabase(t, await createTemplate('klatsch_migrated', async url => { await migrate(url) }))
  const server = await startServer(t, { ...settings, DATABASE_URL: databaseUrl, JWT_SECRET: SECRET })
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 })
  // The database may go before the last of its connections has.
  pool.on('error', () => {})
  t.teardown(() => pool.end())
  const { url } = server
  const [ann, bob, mia] = [await guest(server, 'Ann'), await guest(server, 'Bob'), await guest(server, 'Mia')]
  const moderator: Session = { ...mia, token: forge({ sub: mia.user.id, username: 'Mia', role: 'moderator', exp: Math.floor(Date.now() / 1000) + 86_400 }) }
  const document = await call<Document>(server, 'GET', '/docs/openapi.json')

  /** All pages of a cafe, first the way in which a program begins, then by cursor. */
  async function read (cafeId: string): Promise<Truth> {
    const messages = new Map<number, Message>()
    let page = await call<MessagePage>(server, 'GET', `/api/chat/messages/${cafeId}?limit=${PAGE}`, ann)
    const { total: seq, rev } = page
    for (;;) {
      for (const message of page.messages) messages.set(message.seq, message)
      if (!page.hasBefore) return { seq, rev, messages }
      page = await call<MessagePage>(server, 'GET', `/api/chat/messages/${cafeId}?limit=${PAGE}&before=${page.messages.at(-1)!.seq}`, ann)
    }
  }

  /** What is wrong with the log of these cafes, by the tables alone, and with what REST tells of them. */
  async function logFaults (cafes: string[], truths: Truth[]): Promise<string[]> {
    const { rows: heads } = await pool.query<{ cafe_id: string, seq: number, rev: number, count: number, max: number, revs: number[] }>(`
      SELECT h.cafe_id, h.seq::int, h.rev::int,
        (SELECT count(m.seq)::int FROM messages m WHERE m.cafe_id = h.cafe_id) AS count,
        (SELECT coalesce(max(m.seq), 0)::int FROM messages m WHERE m.cafe_id = h.cafe_id) AS max,
        ARRAY(SELECT r.rev::int FROM (SELECT created_rev AS rev FROM messages m WHERE m.cafe_id = h.cafe_id UNION ALL SELECT c.rev FROM changes c WHERE c.cafe_id = h.cafe_id) r ORDER BY 1) AS revs
      FROM cafe_heads h WHERE h.cafe_id = ANY ($1)`, [cafes])
    const { rows } = await pool.query<{ cafe_id: string, seq: number, row: string }>('SELECT cafe_id, seq::int, concat_ws(\' \', id, seq, rev, deleted, user_id, username, client_id, content) AS row FROM visible_messages WHERE cafe_id = ANY ($1)', [cafes])
    const faults = heads.filter(({ seq, count, max }) => count !== seq || max !== seq).map(head => `seqs of ${JSON.stringify(head)}`)
    faults.push(...heads.filter(({ rev, revs }) => revs.length !== rev || revs.some((one, index) => one !== index + 1)).map(head => `revs of ${JSON.stringify(head)}`))
    if (heads.length !== cafes.length) faults.push(`${heads.length} heads of ${cafes.length} cafes`)
    for (const [index, { seq, rev, messages }] of truths.entries()) {
      const own = rows.filter(({ cafe_id: cafeId }) => cafeId === cafes[index])
      const head = heads.find(({ cafe_id: cafeId }) => cafeId === cafes[index])
      if (seq !== head?.seq || rev !== head.rev || messages.size !== own.length) faults.push(`REST says ${seq} ${rev} ${messages.size} of ${JSON.stringify(head)}`)
      for (const row of own) {
        const message = messages.get(row.seq)
        const told = message && [message.id, message.seq, message.rev, message.deleted ? 't' : 'f', message.userId, message.username, message.clientId, message.content].filter(one => one !== undefined).join(' ')
        if (told !== row.row) faults.push(`REST says ${told}, stored is ${row.row}`)
      }
    }
    return faults
  }

  /** A server that has ended, or logged a fault of its own. */
  function serverFaults (): string[] {
    const { exitCode, signalCode } = server.child
    const logged = server.logs().split('\n').filter(line => /"level":(50|60)/.test(line))
    return [...exitCode !== null || signalCode !== null ? [`the server has ended with ${exitCode ?? signalCode}: ${server.logs().slice(-2000)}`] : [], ...logged.slice(0, 3)]
  }

  return { url, server, document, people: [ann, bob, moderator], read, logFaults, serverFaults, openCafes: (count: number): Promise<Cafe[]> => Promise.all(Array.from({ length: count }, () => openCafe(server, ann))) }
}

export type World = Awaited<ReturnType<typeof createWorld>>

import type { Cafe, CafeList, CafeListQuery } from '../schemas/cafes.ts'
import { refuse } from './errors.ts'
import type { CafeRow, Cafes, Presence, Reporter } from './ports.ts'

const DEFAULT_LIMIT = 50

/** The rooms. Counts of users come from hot state: while it is away they read 0. */
export function createCafes (cafes: Cafes, presence: Presence, reporter: Reporter) {
  async function open (name: string): Promise<Cafe> {
    return { ...await cafes.create(name), userCount: 0 }
  }

  /** @throws CHAT_CAFE_NOT_FOUND */
  async function get (cafeId: string): Promise<Cafe> {
    const row = await cafes.get(cafeId)
    if (row === undefined) throw refuse('CHAT_CAFE_NOT_FOUND')
    const [cafe] = await withCounts([row])
    return cafe!
  }

  /** @throws CHAT_VALIDATION for a cursor that is not one of ours */
  async function list (query: CafeListQuery): Promise<CafeList> {
    const limit = query.limit ?? DEFAULT_LIMIT
    const rows = await cafes.list(limit + 1, query.cursor === undefined ? undefined : decodeCursor(query.cursor))
    const page = rows.slice(0, limit)
    return {
      cafes: await withCounts(page),
      ...(rows.length > limit && { nextCursor: encodeCursor(page.at(-1)!) })
    }
  }

  async function withCounts (rows: CafeRow[]): Promise<Cafe[]> {
    const counts = await presence.counts(rows.map(row => row.id)).catch(error => {
      reporter.warn(error, 'count users')
      return []
    })
    return rows.map((row, index) => ({ ...row, userCount: counts[index] ?? 0 }))
  }

  return { open, get, list }
}

const encodeCursor = (row: CafeRow) => Buffer.from(`${row.createdAt} ${row.id}`).toString('base64url')

function decodeCursor (cursor: string) {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (match === null || !isTime(match[1]!)) throw refuse('CHAT_VALIDATION', { details: [{ field: 'cursor', rule: 'format' }] })
  return { createdAt: match[1]!, id: match[2]! }
}

/** `Date.parse` takes the 30th of February for a day in March, and years that PostgreSQL does not know. */
function isTime (text: string): boolean {
  const time = Date.parse(text)
  return time >= 0 && new Date(time).toISOString() === text
}

import type { CafeRow, Cafes } from '../../services/ports.ts'
import type { Query } from './query.ts'

const CREATE = `
WITH cafe AS (INSERT INTO cafes (name) VALUES ($1) RETURNING id, name, created_at),
head AS (INSERT INTO cafe_heads (cafe_id) SELECT id FROM cafe)
SELECT id, name, created_at, 0 AS seq, 0 AS rev FROM cafe`

const GET = 'SELECT c.id, c.name, c.created_at, h.seq, h.rev FROM cafes c JOIN cafe_heads h ON h.cafe_id = c.id WHERE c.id = $1'

const LIST = `
SELECT c.id, c.name, c.created_at, h.seq, h.rev FROM cafes c JOIN cafe_heads h ON h.cafe_id = c.id
WHERE $2::timestamptz IS NULL OR (c.created_at, c.id) < ($2::timestamptz, $3::uuid)
ORDER BY c.created_at DESC, c.id DESC LIMIT $1`

interface Row { id: string, name: string, created_at: Date, seq: string, rev: string }

const toCafe = (row: Row): CafeRow =>
  ({ id: row.id, name: row.name, createdAt: row.created_at.toISOString(), seq: Number(row.seq), rev: Number(row.rev) })

/** Cafes in PostgreSQL. */
export function createCafes (query: Query): Cafes {
  async function create (name: string): Promise<CafeRow> {
    const [row] = await query<Row>('write', 'create_cafe', CREATE, [name])
    return toCafe(row!)
  }

  async function get (cafeId: string): Promise<CafeRow | undefined> {
    const [row] = await query<Row>('read', 'get_cafe', GET, [cafeId])
    return row && toCafe(row)
  }

  async function list (limit: number, cursor?: { createdAt: string, id: string }): Promise<CafeRow[]> {
    const rows = await query<Row>('read', 'list_cafes', LIST, [limit, cursor?.createdAt ?? null, cursor?.id ?? null])
    return rows.map(toCafe)
  }

  return { create, get, list }
}

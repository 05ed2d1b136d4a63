import type { Message } from '../../schemas/messages.ts'
import type { Change, Head } from '../../services/ports.ts'

/** A row of visible_messages. bigints arrive as text. */
export interface MessageRow {
  id: string
  cafe_id: string
  user_id: string
  username: string
  content: string
  created_at: Date
  deleted: boolean
  deleted_at: Date | null
  edited_at: Date | null
  seq: string
  rev: string
  client_id: string | null
}

/** A head beside each message of a page; one row with null `id` when the page is empty. */
export type PageRow = MessageRow & { head_seq: string, head_rev: string, head_min_rev: string }

export type ChangeRow = MessageRow & { change_rev: string, kind: string }

/** The fields stand in the order of the schema: the same message is the same JSON everywhere. */
export function toMessage (row: MessageRow): Message {
  return {
    id: row.id,
    cafeId: row.cafe_id,
    userId: row.user_id,
    username: row.username,
    content: row.content,
    createdAt: row.created_at.toISOString(),
    deleted: row.deleted,
    seq: Number(row.seq),
    rev: Number(row.rev),
    ...(row.client_id !== null && { clientId: row.client_id }),
    ...(row.edited_at !== null && { editedAt: row.edited_at.toISOString() }),
    ...(row.deleted_at !== null && { deletedAt: row.deleted_at.toISOString() })
  }
}

const kinds: Record<string, Change['kind']> = { create: 'created', edit: 'updated', delete: 'deleted' }

export function toChange (row: ChangeRow): Change {
  const kind = kinds[row.kind]
  if (kind === undefined) throw new Error(`the log has a change of an unknown kind: ${row.kind}`)
  return { rev: Number(row.change_rev), kind, message: toMessage(row) }
}

export function toHead (row: { head_seq: string, head_rev: string, head_min_rev: string }): Head {
  return { seq: Number(row.head_seq), rev: Number(row.head_rev), minRev: Number(row.head_min_rev) }
}

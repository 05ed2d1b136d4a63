import type { Appended, Change, Draft, Edited, Head, Log, Range, Removed, Snapshot } from '../../services/ports.ts'
import { createGroupCommit, type GroupCommitOptions, type Outcome } from './group-commit.ts'
import type { Query } from './query.ts'
import { type ChangeRow, type MessageRow, type PageRow, toChange, toHead, toMessage } from './rows.ts'

const APPEND = 'SELECT * FROM append_messages($1, $2, $3, $4, $5, $6, $7)'

const REMOVE = 'SELECT f.outcome, f.text, (f.message).* FROM delete_message($1, $2, $3) f'

const EDIT = 'SELECT f.outcome, f.text, (f.message).* FROM edit_message($1, $2, $3) f'

const FIND = `
SELECT CASE WHEN m.send_hash = $4 THEN 'duplicate' ELSE 'conflict' END AS outcome, v.*
FROM messages m JOIN visible_messages v ON v.id = m.id
WHERE m.user_id = $1 AND m.cafe_id = $2 AND m.client_id = $3`

const HEADS = 'SELECT cafe_id, seq AS head_seq, rev AS head_rev, min_rev AS head_min_rev FROM cafe_heads WHERE cafe_id = ANY ($1)'

// seq has no holes, so every kind of page is a range (hi - limit, hi] of it, found without counting.
const PAGE = `
SELECT h.seq AS head_seq, h.rev AS head_rev, h.min_rev AS head_min_rev, v.*
FROM cafe_heads h
CROSS JOIN LATERAL (
  SELECT CASE $2::text
    WHEN 'before' THEN least($3::bigint - 1, h.seq)
    WHEN 'after' THEN least($3::bigint + $4::bigint, h.seq)
    WHEN 'around' THEN least(h.seq, greatest($3::bigint + $4::bigint / 2, $4::bigint))
    ELSE h.seq - $3::bigint
  END AS hi, CASE $2::text WHEN 'after' THEN $3::bigint ELSE 0 END AS lo
) r
LEFT JOIN LATERAL (
  SELECT * FROM visible_messages m
  WHERE m.cafe_id = h.cafe_id AND m.seq <= r.hi AND m.seq > greatest(r.lo, r.hi - $4::bigint)
  ORDER BY m.seq DESC
) v ON true
WHERE h.cafe_id = $1
ORDER BY v.seq DESC`

// revs have no holes either: a window of n revs is n changes.
const CHANGES = `
SELECT c.rev AS change_rev, c.kind, v.*
FROM (
  SELECT m.created_rev AS rev, 'create' AS kind, m.id FROM messages m
  WHERE m.cafe_id = $1 AND m.rev > $2 AND m.created_rev > $2 AND m.created_rev <= $2::bigint + $3::bigint
  UNION ALL
  SELECT c.rev, c.kind, c.message_id FROM changes c
  WHERE c.cafe_id = $1 AND c.rev > $2 AND c.rev <= $2::bigint + $3::bigint
) c JOIN visible_messages v ON v.id = c.id
ORDER BY c.rev`

const CHANGED_SINCE = `
SELECT h.seq AS head_seq, h.rev AS head_rev, h.min_rev AS head_min_rev, v.*
FROM cafe_heads h
LEFT JOIN LATERAL (
  SELECT * FROM visible_messages m
  WHERE m.cafe_id = h.cafe_id AND m.rev > $2 ORDER BY m.rev DESC LIMIT $3
) v ON true
WHERE h.cafe_id = $1
ORDER BY v.seq DESC`

interface AppendRow extends MessageRow { outcome: string }

/** The log in PostgreSQL. */
export function createLog (query: Query, options: GroupCommitOptions): Log {
  const groupCommit = createGroupCommit(commit, options)

  async function commit (drafts: Draft[], lockFor?: number): Promise<Outcome[]> {
    const rows = await query<AppendRow>('write', 'append', APPEND, [
      drafts.map(draft => draft.cafeId),
      drafts.map(draft => draft.userId),
      drafts.map(draft => draft.username),
      drafts.map(draft => draft.content),
      drafts.map(draft => draft.clientId ?? null),
      drafts.map(draft => draft.hash),
      lockFor !== undefined
    ], lockFor)
    return rows.map((row, index) => toOutcome(row, drafts[index]!))
  }

  async function find (draft: Draft): Promise<Appended | undefined> {
    if (draft.clientId === undefined) return undefined
    const [row] = await query<AppendRow>('read', 'find', FIND, [draft.userId, draft.cafeId, draft.clientId, draft.hash])
    if (row === undefined) return undefined
    return row.outcome === 'duplicate' ? { outcome: 'duplicate', message: toMessage(row) } : { outcome: 'conflict' }
  }

  async function edit (messageId: string, userId: string, content: string): Promise<Edited> {
    const [row] = await query<MessageRow & { outcome: string, text: string }>('write', 'edit', EDIT, [messageId, userId, content])
    if (row === undefined) throw new Error('edit_message gave no row')
    if (row.outcome === 'edited') return { outcome: 'edited', change: { rev: Number(row.rev), kind: 'updated', message: toMessage(row) }, content: row.text }
    if (row.outcome === 'same') return { outcome: 'same', message: toMessage(row) }
    return { outcome: row.outcome as 'forbidden' | 'no-message' }
  }

  async function remove (messageId: string, by: { userId: string, anyone: boolean }): Promise<Removed> {
    const [row] = await query<MessageRow & { outcome: string, text: string }>('write', 'remove', REMOVE, [messageId, by.userId, by.anyone])
    if (row === undefined) throw new Error('delete_message gave no row')
    if (row.outcome === 'deleted') return { outcome: 'deleted', change: { rev: Number(row.rev), kind: 'deleted', message: toMessage(row) }, content: row.text }
    if (row.outcome === 'already') return { outcome: 'already', message: toMessage(row) }
    return { outcome: row.outcome as 'forbidden' | 'no-message' }
  }

  async function heads (cafeIds: string[]): Promise<Map<string, Head>> {
    const rows = await query<{ cafe_id: string, head_seq: string, head_rev: string, head_min_rev: string }>('read', 'heads', HEADS, [cafeIds])
    return new Map(rows.map(row => [row.cafe_id, toHead(row)]))
  }

  async function page (cafeId: string, range: Range): Promise<Snapshot | undefined> {
    const mode = (['before', 'after', 'around'] as const).find(name => range[name] !== undefined) ?? 'offset'
    return toSnapshot(await query<PageRow>('read', 'page', PAGE, [cafeId, mode, range[mode] ?? 0, range.limit]))
  }

  async function changes (cafeId: string, rev: number, limit: number): Promise<Change[]> {
    return (await query<ChangeRow>('read', 'changes', CHANGES, [cafeId, rev, limit])).map(toChange)
  }

  async function changedSince (cafeId: string, rev: number, limit: number): Promise<Snapshot | undefined> {
    return toSnapshot(await query<PageRow>('read', 'changed_since', CHANGED_SINCE, [cafeId, rev, limit]))
  }

  return { append: groupCommit.append, find, edit, remove, heads, page, changes, changedSince }
}

function toSnapshot (rows: PageRow[]): Snapshot | undefined {
  const [first] = rows
  if (first === undefined) return undefined
  return { head: toHead(first), messages: first.id === null ? [] : rows.map(toMessage) }
}

function toOutcome (row: AppendRow, draft: Draft): Outcome {
  if (row.outcome !== 'created' && row.outcome !== 'duplicate') return { outcome: row.outcome as Exclude<Appended['outcome'], 'created' | 'duplicate'> | 'locked' }
  const message = toMessage({ ...row, cafe_id: draft.cafeId, user_id: draft.userId, client_id: draft.clientId ?? null })
  return { outcome: row.outcome, message }
}

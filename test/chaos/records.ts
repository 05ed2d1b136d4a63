/** What the clients of a run wrote down. All times are milliseconds of one clock: every client lives in this process. */
export interface Told { id: string, seq: number, rev: number, content: string, deleted: boolean }

/** One thing that a client heard. `rev`: the position it brings the client to. */
export type Step =
  | { kind: 'history', at: number, rev: number, recovered: boolean, messages: Told[] }
  | { kind: 'new' | 'updated', at: number, rev: number, message: Told }
  | { kind: 'deleted', at: number, rev: number, messageId: string, seq: number }

/** `node`: where the client was connected when it began. `userCount`: how many are in the cafe, by what it heard last. */
export interface MemberRecord { name: string, cafeId: string, node: number, userCount: number, steps: Step[] }

/** One send with all its repetitions. `ackedAt`, `id` and `duplicate` (an earlier try had been stored) once it was acked. */
export interface Attempt {
  cafeId: string
  userId: string
  clientId: string
  content: string
  node: number
  sentAt: number
  tries: number
  ackedAt?: number
  id?: string
  duplicate?: boolean
  /** the code of a refusal that no repetition can change */
  refused?: string
}

/** An edit or a deletion that was acked. */
export interface AckedChange { messageId: string, rev: number }

export interface Records {
  members: MemberRecord[]
  attempts: Attempt[]
  changes: AckedChange[]
  /** how long each answered send took, with the time it was sent */
  answers: Array<{ sentAt: number, ms: number }>
  /** emits without an answer on a connection that stayed up */
  hung: number
}

/** The database, by plain SQL. */
export interface Tables {
  messages: Array<{ id: string, cafe_id: string, user_id: string, client_id: string | null, content: string, deleted: boolean, seq: number, rev: number, created_rev: number }>
  changes: Array<{ cafe_id: string, rev: number, message_id: string }>
  heads: Array<{ cafe_id: string, seq: number, rev: number }>
}

/** From the moment something was broken until all of it was whole again. */
export interface Fault { brokenAt: number, healedAt: number }

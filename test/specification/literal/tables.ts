import type { Pool } from 'pg'

const ddl = `
  create table if not exists users (
    id uuid primary key default gen_random_uuid(),
    username text not null
  );
  create table if not exists cafes (
    id uuid primary key default gen_random_uuid(),
    name text not null
  );
  create table if not exists messages (
    id uuid primary key default gen_random_uuid(),
    cafe_id uuid not null references cafes (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    content text not null,
    created_at timestamp default now(),
    deleted boolean default false,
    deleted_at timestamp
  );
  create index if not exists idx_messages_cafe_created on messages (cafe_id, created_at desc);
  create index if not exists idx_messages_user on messages (user_id);
  create index if not exists idx_messages_deleted on messages (deleted);
`

/** A row of `messages` as `pg` parses it, with the author's name where the query joins `users`. */
export interface MessageRow {
  id: string
  cafe_id: string
  user_id: string
  content: string
  created_at: Date
  deleted: boolean
  deleted_at: Date | null
  username?: string
}

/** Makes the tables. The specification names the columns of `messages` only; the other two have just what its queries need. */
export async function createTables (pool: Pool): Promise<void> {
  await pool.query(ddl)
}

import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { isUnreachable } from '../../stores/postgres/errors.ts'
import { migrate } from '../../stores/postgres/migrate.ts'
import { projectRoot } from '../support/paths.ts'
import { createDatabase, createTemplate, startServer, until } from '../support/servers.ts'
import { run } from './starts.ts'

const files = readdirSync(join(projectRoot, 'sql')).sort()
const names = files.map(file => file.replace(/\.sql$/, ''))

t.setTimeout(90_000)

async function open (t: Test, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  return client
}

const migrated = async (t: Test) => open(t, await createDatabase(t, await createTemplate('klatsch_migrated', async url => { await migrate(url) })))

t.test('migrations are numbered without a gap and go forward only', async t => {
  t.strictSame(files.map(file => /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1]), files.map((_, index) => String(index + 1).padStart(4, '0')))
  for (const file of files) t.notMatch(readFileSync(join(projectRoot, 'sql', file), 'utf8'), /^-- *down migration/im, file)
})

t.test('three nodes that start together on an empty database migrate it once', async t => {
  const databaseUrl = await createDatabase(t)
  const nodes = await Promise.all([1, 2, 3].map(() => startServer(t, { DATABASE_URL: databaseUrl, JWT_SECRET: 'shared by the nodes, forty characters!!!!' })))
  const ran = nodes.flatMap(({ logs }) => logs().split('\n').filter(line => line.includes('"msg":"database migrated"')).map(line => JSON.parse(line) as { migrations: string[] }))
  t.strictSame(ran.map(({ migrations }) => migrations), [names], 'by one of them, each migration once')
  for (const { url, logs } of nodes) {
    t.equal((await fetch(`${url}/health/ready`)).status, 200)
    t.notMatch(logs(), /"level":[56]0/)
  }
  const client = await open(t, databaseUrl)
  t.strictSame((await client.query('SELECT name FROM migrations ORDER BY id')).rows.map(({ name }) => name), names)
  t.strictSame(await Promise.all(nodes.map(node => node.stop())), [0, 0, 0])
})

t.test('a connection that is lost in the middle is told as such, and another try goes through', async t => {
  const url = await createDatabase(t)
  await migrate(url)
  // Two, because a transaction sees the activity of others as it was when it first looked.
  const [holder, watcher] = [await open(t, url), await open(t, url)]
  await holder.query('BEGIN; LOCK TABLE migrations')
  const waiting = t.rejects(migrate(url).catch(error => { throw isUnreachable(error) ? new Error('unreachable') : error }), /^unreachable$/)
  const others = "FROM pg_stat_activity WHERE application_name = 'klatsch migrate' AND wait_event_type = 'Lock' AND datname = current_database()"
  await until('it waits for us', async () => (await watcher.query(`SELECT 1 ${others}`)).rowCount === 1, 10_000)
  await watcher.query(`SELECT pg_terminate_backend(pid) ${others}`)
  await waiting
  await holder.query('ROLLBACK')
  t.strictSame(await migrate(url), [])
})

t.test('npm run db:migrate says what it ran', async t => {
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  t.match(scripts['db:migrate'], 'scripts/migrate.ts')
  const env = { DATABASE_URL: await createDatabase(t) }
  const nothing = 'Nothing to do: the database is up to date.\n'
  const together = await Promise.all([run(t, 'scripts/migrate', env), run(t, 'scripts/migrate', env)])
  t.strictSame(together.map(({ code, stderr }) => ({ code, stderr })), [{ code: 0, stderr: '' }, { code: 0, stderr: '' }])
  t.strictSame(together.map(({ stdout }) => stdout).sort(), [names.join('\n') + '\n', nothing].sort(), 'at the same time: one runs them, the other finds them done')
})

t.test('npm run db:migrate says what is wrong', async t => {
  const unset = await run(t, 'scripts/migrate')
  t.match(unset, { code: 1, stdout: '', stderr: /^DATABASE_URL is not set: [^\n]+\n$/ })
  const away = await run(t, 'scripts/migrate', { DATABASE_URL: 'postgres://ann:espresso@127.0.0.1:1/klatsch' })
  t.strictSame(away, { code: 1, stdout: '', stderr: 'The database of DATABASE_URL was not migrated: connect ECONNREFUSED 127.0.0.1:1\n' })
})

t.test('messages has the columns of the specification, with zones', async t => {
  const client = await migrated(t)
  const { rows } = await client.query(`
    SELECT column_name AS name, data_type AS type, is_nullable = 'YES' AS nullable, column_default AS "default"
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'messages'`)
  const column = (name: string) => rows.find(row => row.name === name)
  t.match(column('id'), { type: 'uuid', nullable: false, default: 'gen_random_uuid()' })
  t.match(column('cafe_id'), { type: 'uuid', nullable: false })
  t.match(column('user_id'), { type: 'uuid', nullable: false })
  t.match(column('content'), { type: 'text', nullable: false })
  t.match(column('created_at'), { type: 'timestamp with time zone', default: 'now()' })
  t.match(column('deleted'), { type: 'boolean', default: 'false' })
  t.match(column('deleted_at'), { type: 'timestamp with time zone', nullable: true, default: null })
  for (const name of ['seq', 'rev', 'created_rev', 'client_id', 'send_hash', 'username', 'edited_at']) t.ok(column(name), name)
  const { rows: zoneless } = await client.query("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'timestamp without time zone' AND table_name <> 'migrations'")
  t.strictSame(zoneless, [], 'no time without a zone anywhere')
})

t.test('every index says which query it serves', async t => {
  const client = await migrated(t)
  const { rows } = await client.query<{ name: string, comment: string | null }>(`
    SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS comment
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND r.relname <> 'migrations'`)
  t.ok(rows.length >= 5)
  for (const { name, comment } of rows) t.match(comment, /\w+ \w+/, name)
})

const revocation = { revoked_at: new Date(), ends_at: new Date(), revoked_by: randomUUID() }

/** A cafe with two people, one message and one deletion; in a transaction that is never committed. */
async function furnish (t: Test) {
  const client = await migrated(t)
  await client.query('BEGIN')
  const ids = { ann: randomUUID(), bob: randomUUID(), cafe: randomUUID(), other: randomUUID(), message: randomUUID(), nobody: randomUUID() }
  await client.query("INSERT INTO users (id, username) VALUES ($1, 'ann'), ($2, 'bob')", [ids.ann, ids.bob])
  await client.query("INSERT INTO cafes (id, name) VALUES ($1, 'Corner Table'), ($2, 'Long Table')", [ids.cafe, ids.other])
  await client.query('INSERT INTO cafe_heads (cafe_id, seq, rev) VALUES ($1, 1, 2)', [ids.cafe])
  const message = { id: ids.message, cafe_id: ids.cafe, user_id: ids.ann, username: 'ann', content: 'hello', seq: 1, rev: 2, created_rev: 1, client_id: 'c1', send_hash: Buffer.alloc(32), deleted: true, deleted_at: new Date() }
  await insert('messages', message)
  await client.query("INSERT INTO changes (cafe_id, rev, kind, message_id, at) VALUES ($1, 2, 'delete', $2, now())", [ids.cafe, ids.message])
  await insert('identities', { issuer: 'https://id.example', subject: ids.bob, user_id: ids.ann })
  for (const of of [{ user_id: ids.ann }, { token_id: 'a token' }]) await insert('revocations', { ...revocation, ...of })
  return { client, ids, insert, attempt, another: (more: object) => insert('messages', { ...message, id: randomUUID(), seq: 2, rev: 3, created_rev: 3, client_id: 'c2', deleted: false, deleted_at: null, ...more }) }

  async function insert (table: string, row: object): Promise<void> {
    const values = Object.values(row)
    await client.query(`INSERT INTO ${table} (${Object.keys(row).join()}) VALUES (${values.map((_, index) => `$${index + 1}`).join()})`, values)
  }

  /** What the database says to it: the name of the constraint that it breaks, or undefined. Undone in either case. */
  async function attempt (work: () => Promise<unknown>): Promise<{ code: string, constraint?: string, column?: string } | undefined> {
    await client.query('SAVEPOINT attempt')
    try {
      await work()
      return undefined
    } catch (error) {
      if (error instanceof pg.DatabaseError) return { code: error.code!, constraint: error.constraint!, column: error.column! }
      throw error
    } finally {
      await client.query('ROLLBACK TO attempt')
    }
  }
}

t.test('every constraint holds against whoever writes by SQL', async t => {
  const { client, ids, insert, attempt, another } = await furnish(t)
  const user = (more: object) => insert('users', { username: 'eve', ...more })
  const cafe = (name: string) => insert('cafes', { name })
  const head = (more: object) => insert('cafe_heads', { cafe_id: ids.other, seq: 1, rev: 2, min_rev: 0, ...more })
  const change = (more: object) => insert('changes', { cafe_id: ids.cafe, rev: 3, kind: 'edit', message_id: ids.message, at: new Date(), ...more })

  const account = (more: object) => insert('identities', { issuer: 'https://id.example', subject: ids.ann, user_id: ids.ann, ...more })
  const revoke = (more: object) => insert('revocations', { ...revocation, ...more })

  const fine = [
    ['64 code points of two UTF-16 units each', () => user({ username: '🐈'.repeat(64) })],
    ['a cafe of 100', () => cafe('🐈'.repeat(100))],
    ['4,000 code points', () => another({ content: '🐈'.repeat(4000) })],
    ['a client id of 64', () => another({ client_id: '🐈'.repeat(64) })],
    ['sends without a client id, any number', () => another({ client_id: null }).then(() => another({ client_id: null, seq: 3 }))],
    ['the same client id of another user', () => another({ client_id: 'c1', user_id: ids.bob })],
    ['the same seq in another cafe', () => another({ seq: 1, cafe_id: ids.other })],
    ['a change of no message', () => change({ message_id: null, kind: 'purge' })],
    ['a head', () => head({})],
    ['another account of the same user', () => account({ subject: ids.nobody })],
    ['a token id and a reason of as much as there may be', () => revoke({ token_id: 'a'.repeat(255), reason: 'a'.repeat(200) })]
  ] as const
  for (const [what, work] of fine) t.equal(await attempt(work), undefined, what)

  const wrong = [
    ['users_username_length', () => user({ username: '' })],
    ['users_username_length', () => user({ username: 'a'.repeat(65) })],
    ['users_role', () => user({ role: 'owner' })],
    ['users_pkey', () => user({ id: ids.ann })],
    ['cafes_name_length', () => cafe('')],
    ['cafes_name_length', () => cafe('a'.repeat(101))],
    ['cafes_pkey', () => insert('cafes', { id: ids.cafe, name: 'twin' })],
    ['cafe_heads_order', () => head({ seq: -1 })],
    ['cafe_heads_order', () => head({ seq: 3 })],
    ['cafe_heads_order', () => head({ min_rev: 3 })],
    ['cafe_heads_order', () => head({ min_rev: -1 })],
    ['cafe_heads_pkey', () => head({ cafe_id: ids.cafe })],
    ['cafe_heads_cafe_id_fkey', () => client.query('INSERT INTO cafe_heads (cafe_id) VALUES ($1)', [ids.nobody]).then(immediate)],
    ['messages_pkey', () => another({ id: ids.message })],
    ['messages_content_length', () => another({ content: '' })],
    ['messages_content_length', () => another({ content: '🐈'.repeat(4001) })],
    ['messages_client_id_length', () => another({ client_id: '' })],
    ['messages_client_id_length', () => another({ client_id: 'a'.repeat(65) })],
    ['messages_send_hash_length', () => another({ send_hash: Buffer.alloc(20) })],
    ['messages_tombstone', () => another({ deleted: true })],
    ['messages_tombstone', () => another({ deleted_at: new Date() })],
    ['messages_numbers', () => another({ seq: 0 })],
    ['messages_numbers', () => another({ seq: 4 })],
    ['messages_numbers', () => another({ rev: 2 })],
    ['messages_seq', () => another({ seq: 1 })],
    ['messages_send', () => another({ client_id: 'c1' })],
    ['messages_cafe_id_fkey', () => another({ cafe_id: ids.nobody }).then(immediate)],
    ['messages_user_id_fkey', () => another({ user_id: ids.nobody }).then(immediate)],
    ['changes_kind', () => change({ kind: 'rewrite' })],
    ['changes_pkey', () => change({ rev: 2 })],
    ['changes_cafe_id_fkey', () => change({ cafe_id: ids.nobody }).then(immediate)],
    ['changes_message_id_fkey', () => change({ message_id: ids.nobody }).then(immediate)],
    ['nodes_pkey', () => insert('nodes', { frame_key: Buffer.alloc(32) })],
    ['nodes_only_row', () => insert('nodes', { only_row: false, frame_key: Buffer.alloc(32) })],
    ['nodes_frame_key_length', () => client.query('UPDATE nodes SET frame_key = $1', [Buffer.alloc(31)])],
    ['identities_pkey', () => account({ subject: ids.bob })],
    ['identities_issuer_length', () => account({ issuer: '' })],
    ['identities_user_id_fkey', () => account({ user_id: ids.nobody }).then(immediate)],
    ['revocations_of_one', () => revoke({})],
    ['revocations_of_one', () => revoke({ user_id: ids.bob, token_id: 'x' })],
    ['revocations_user', () => revoke({ user_id: ids.ann })],
    ['revocations_token', () => revoke({ token_id: 'a token' })],
    ['revocations_token_id_length', () => revoke({ token_id: '' })],
    ['revocations_token_id_length', () => revoke({ token_id: 'a'.repeat(256) })],
    ['revocations_reason_length', () => revoke({ user_id: ids.bob, reason: '' })],
    ['revocations_pkey', () => client.query('UPDATE revocations SET position = 1')]
  ] as const
  for (const [constraint, work] of wrong) t.match(await attempt(work), { code: /^23/, constraint }, constraint)

  const { rows } = await client.query<{ conname: string }>(`
    SELECT conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE pg_constraint.connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'p', 'u') AND relname <> 'migrations'`)
  t.strictSame(rows.map(({ conname }) => conname).sort(), [...new Set(wrong.map(([constraint]) => constraint))].sort(), 'no constraint is left out here')

  /** A constraint may be deferred to the end of a transaction, which never comes here. */
  async function immediate () { await client.query('SET CONSTRAINTS ALL IMMEDIATE') }
})

t.test('what must be there cannot be left out', async t => {
  const { client, attempt } = await furnish(t)
  const { rows } = await client.query<{ table: string, column: string }>(`
    SELECT table_name AS table, column_name AS column FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'migrations' AND is_nullable = 'NO'`)
  t.ok(rows.length > 20)
  for (const { table, column } of rows) {
    t.match(await attempt(() => client.query(`UPDATE ${table} SET ${column} = NULL`)), { code: '23502', column }, `${table}.${column}`)
  }
})

t.test('who goes takes along what hangs on them, and a tombstone shows no text', async t => {
  const { client, ids } = await furnish(t)
  const counts = async () => (await client.query('SELECT (SELECT count(*)::int FROM messages) AS messages, (SELECT count(*)::int FROM changes) AS changes, (SELECT count(*)::int FROM cafe_heads) AS heads')).rows[0]
  t.strictSame((await client.query('SELECT content, deleted FROM visible_messages')).rows, [{ content: '', deleted: true }])
  t.strictSame((await client.query('SELECT content FROM messages')).rows, [{ content: 'hello' }], 'the row keeps it')
  await client.query('SAVEPOINT before')
  await client.query('DELETE FROM users WHERE id = $1', [ids.ann])
  t.strictSame(await counts(), { messages: 0, changes: 0, heads: 1 })
  await client.query('ROLLBACK TO before')
  await client.query('DELETE FROM cafes WHERE id = $1', [ids.cafe])
  t.strictSame(await counts(), { messages: 0, changes: 0, heads: 0 })
})

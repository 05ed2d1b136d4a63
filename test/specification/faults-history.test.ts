import assert from 'node:assert/strict'
import t from 'tap'
import type { BlackBox } from './black-box.ts'
import { arrive, eventually, read, rest, say, type ChatMessage } from './cast.ts'
import { compare, startPair } from './compare.ts'

// The database keeps UTC, the processes live in New York: a column without zone cannot suit both.
const pair = await startPair(t, { TZ: 'America/New_York' })

t.test('createdAt is the moment of sending wherever the server stands', async t => {
  await compare(t, pair, /createdAt is off by (-?)(240|300) minutes/, checkCreatedAt)
})

t.test('pages do not repeat while others send', async t => {
  await compare(t, pair, /message 6 came 2 times/, checkPages(async ({ client, cafeId }) => {
    await say(client, cafeId, 'a new one')
  }))
})

t.test('pages do not skip while others delete', async t => {
  await compare(t, pair, /message 5 came 0 times/, checkPages(async ({ server, author, newest }) => {
    const { status } = await rest(server, author, 'DELETE', `messages/${newest.id}`)
    if (status !== 200) throw new Error(`delete: ${status}`)
  }))
})

t.test('no index on a boolean is kept for nothing', async t => {
  await compare(t, pair, /never used: idx_messages_deleted/, checkIdleIndexes)
})

async function checkCreatedAt (server: BlackBox): Promise<void> {
  const cafeId = await server.cafe()
  const { person: ann, client } = await arrive(server, 'ann', cafeId)
  const sentAt = Date.now()
  await say(client, cafeId, 'what time is it')
  const { messages: [message] } = await read<{ messages: ChatMessage[] }>(server, ann, `messages/${cafeId}`)
  if (message === undefined) throw new Error('the history is empty')
  const off = Math.round((Date.parse(message.createdAt) - sentAt) / 60_000)
  assert.equal(off, 0, `createdAt is off by ${off} minutes`)
  assert.match(message.createdAt, /T.*(Z|[+-]\d\d:\d\d)$/, 'createdAt has no zone')
}

interface Between { server: BlackBox, cafeId: string, client: ReturnType<BlackBox['connect']>, author: Awaited<ReturnType<BlackBox['person']>>, newest: ChatMessage }

/**
 * Ten messages, read in pages of four. The reader follows the server's own numbers where there are any, otherwise offsets.
 *
 * @param happens what others do between the first page and the second
 */
function checkPages (happens: (between: Between) => Promise<void>) {
  return async function check (server: BlackBox): Promise<void> {
    const cafeId = await server.cafe()
    const { person: author, client } = await arrive(server, 'ann', cafeId)
    const sent = Array.from({ length: 10 }, (_, n) => `message ${n}`)
    for (const content of sent) await say(client, cafeId, content)

    const seen: ChatMessage[] = []
    for (let page = 0; page < 10; page++) {
      const last = seen.at(-1)
      const position = last?.seq === undefined ? `offset=${seen.length}` : `before=${last.seq}`
      const { messages } = await read<{ messages: ChatMessage[] }>(server, author, `messages/${cafeId}?limit=4&${position}`)
      if (messages.length === 0) break
      seen.push(...messages)
      if (page === 0) await happens({ server, cafeId, client, author, newest: messages[0]! })
    }
    for (const content of sent) {
      const times = seen.filter(message => message.content === content).length
      assert.equal(times, 1, `${content} came ${times} times`)
    }
  }
}

/** Reads every way there is on a table of real size, then asks PostgreSQL what it used. */
async function checkIdleIndexes (server: BlackBox): Promise<void> {
  const suspects = await findBooleanIndexes(server)
  const cafeId = await server.cafe()
  const { person: ann, client } = await arrive(server, 'ann', cafeId)
  await say(client, cafeId, 'the first')
  if (suspects.length > 0) await fill(server, cafeId, ann.id)

  for (const watchUntil = Date.now() + 2_500; Date.now() < watchUntil;) {
    await server.redis.del(`cafe:${cafeId}:messages`)
    await arrive(server, 'bob', cafeId)
    await read(server, ann, `messages/${cafeId}?limit=50`)
    await read(server, ann, `presence/${cafeId}`)
  }
  await eventually(5_000, async () => assert.ok((await countScans(server, [])) > 0, 'no index of messages was used at all'))
  const idle = []
  for (const index of suspects) if (await countScans(server, [index]) === 0) idle.push(index)
  assert.deepEqual(idle, [], `never used: ${idle.join(', ')}`)
}

/** Names of the indexes on messages that begin with a boolean column. */
async function findBooleanIndexes (server: BlackBox): Promise<string[]> {
  const { rows } = await server.pg.query<{ name: string }>(
    `select i.indexrelid::regclass::text as name from pg_index i
     join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
     where i.indrelid = 'messages'::regclass and a.atttypid = 'boolean'::regtype`
  )
  return rows.map(({ name }) => name)
}

async function fill (server: BlackBox, cafeId: string, userId: string): Promise<void> {
  await server.pg.query(
    `insert into messages (cafe_id, user_id, content, deleted)
     select $1, $2, 'filler ' || n, n % 20 = 0 from generate_series(1, 20000) n`,
    [cafeId, userId]
  )
  await server.pg.query('analyze messages')
}

/** How often the given indexes of messages were used, all of them when none is given. */
async function countScans (server: BlackBox, names: string[]): Promise<number> {
  const { rows } = await server.pg.query<{ scans: number }>(
    `select coalesce(sum(idx_scan), 0)::int as scans from pg_stat_user_indexes
     where relname = 'messages' and ($1::text[] = '{}' or indexrelname = any($1))`,
    [names]
  )
  return rows[0]!.scans
}

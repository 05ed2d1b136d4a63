import pg from 'pg'
import t, { type Test } from 'tap'
import { migrate } from '../../stores/postgres/migrate.ts'
import { checkLog } from '../stores/postgres/cast.ts'
import { SECRET } from '../support/build.ts'
import { createDatabase, createTemplate, startServer } from '../support/servers.ts'
import { ask, call, connect } from '../support/sockets.ts'
import { createCast } from './cast.ts'
import { type Cell, classes, faultsOf, isCell, type Kind } from './cells.ts'
import { fieldsOfEvents, fieldsOfRoutes, judge, type Knock, knockOnDoor, knockOnEvent, knockOnRoute, readOpenApi } from './doors.ts'
import { events, handshake, type Place, routes, tables } from './places.ts'
import { ISSUER } from './tokens.ts'

/** There are many more; fewer would mean that something is not looked at. */
const LEAST_CELLS = 400
const AT_ONCE = 20

const databaseUrl = await createDatabase(t, await createTemplate('klatsch_migrated', async url => { await migrate(url) }))
const server = await startServer(t, { DATABASE_URL: databaseUrl, JWT_SECRET: SECRET, JWT_ISSUERS: JSON.stringify([ISSUER]), CHAT_LIMITS: 'off', PG_TIMEOUT: '5000', PRESSURE_DELAY: '0' })
const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
pool.on('error', () => {})
t.teardown(() => pool.end())
const { url } = server
const cast = await createCast(url)
const { nodeId } = await call<{ nodeId: string }>({ url }, 'GET', '/health/live')
const places: Array<[string, Place]> = [...Object.entries(events), ['handshake', handshake], ...Object.entries(routes)]
const cellsOf = (kind: Kind) => kind.filter(isCell)

t.test('the matrix: every field of every event and route, and cells of every class', async t => {
  t.strictSame(Object.fromEntries(Object.entries(events).map(([name, { fields }]) => [name, Object.keys(fields).toSorted()])), fieldsOfEvents(), 'events')
  t.strictSame(Object.fromEntries(Object.entries(routes).map(([name, { fields }]) => [name, Object.keys(fields).toSorted()])), fieldsOfRoutes(await readOpenApi(url)), 'routes')
  for (const [name, { fields }] of places) {
    for (const [field, kind] of Object.entries(fields)) t.strictSame(faultsOf(kind), [], `${name} ${field}`)
  }
  const cells = places.flatMap(([, { fields }]) => Object.values(fields).flatMap(cellsOf))
  t.comment(`${cells.length} cells, ${cells.filter(({ want }) => want !== 'taken').length} of them refused`)
  t.ok(cells.length >= LEAST_CELLS)
  t.strictSame(new Set(cells.map(cell => cell.class)), new Set(Object.keys(classes)), 'every class occurs')
})

t.test('a matrix that is not whole is found out', async t => {
  const cell: Cell = { class: 'null', value: null, want: { code: 'CHAT_VALIDATION' } }
  const whole: Kind = [cell, ...Object.keys(classes).filter(name => name !== 'null').map(name => ({ class: name as 'empty', why: 'none here' }))]
  t.strictSame(faultsOf(whole), [])
  t.strictSame(faultsOf(whole.slice(1)), ['null: no cell'])
  t.strictSame(faultsOf([cell, ...whole]), ['null: a twin of null'])
  t.strictSame(faultsOf([{ class: 'null', why: 'both' }, ...whole]), ['null: a gap beside cells'])
})

/** All that is stored, in a few numbers. */
async function count (): Promise<Record<string, unknown>> {
  const { rows } = await pool.query(`SELECT
    (SELECT count(*)::int FROM messages) AS messages, (SELECT count(*)::int FROM changes) AS changes, (SELECT count(*)::int FROM cafes) AS cafes, (SELECT count(*)::int FROM users) AS users,
    (SELECT count(*)::int FROM identities) AS identities, (SELECT count(*)::int FROM revocations) AS revocations, (SELECT max(position)::int FROM revocations) AS position,
    (SELECT sum(seq)::int FROM cafe_heads) AS seq, (SELECT sum(rev)::int FROM cafe_heads) AS rev,
    (SELECT md5(string_agg(id::text || content || deleted || coalesce(client_id, ''), '' ORDER BY id)) FROM messages) AS texts,
    (SELECT md5(string_agg(id::text || username || role, '' ORDER BY id)) FROM users) AS names,
    (SELECT md5(string_agg(issuer || subject || user_id, '' ORDER BY issuer, subject)) FROM identities) AS accounts`)
  return rows[0]
}

/** Every cell of a place, some at a time: those that are refused first, which must leave no trace. */
async function tryAll (t: Test, name: string, place: Place, knock: Knock, atOnce = AT_ONCE) {
  const before = await count()
  for (const isTaken of [false, true]) {
    for (const [field, kind] of Object.entries(place.fields)) {
      const told = place.told?.[field.split('.').at(-1)!]
      const cells = cellsOf(kind).filter(({ want }) => (want === 'taken') === isTaken)
      const faults: string[] = []
      for (let start = 0; start < cells.length; start += atOnce) {
        const found = await Promise.all(cells.slice(start, start + atOnce).map(async cell => judge(cell, told, await knock(field, cell))))
        faults.push(...found.filter(fault => fault !== undefined))
      }
      if (cells.length > 0) t.strictSame(faults, [], `${name} ${field}: ${cells.length} ${isTaken ? 'taken' : 'refused'}`)
    }
    if (!isTaken) t.strictSame(await count(), before, 'what was refused has left nothing')
  }
  const { grows } = place
  const rows = Object.values(place.fields).flatMap(cellsOf).filter(({ want }) => want === 'taken').length
  const after = await count()
  for (const table of tables) t.equal(Number(after[table]) - Number(before[table]), table === grows ? rows : 0, `rows of ${table}`)
  await checkLog(t, pool)
  t.equal((await call<{ nodeId: string }>({ url }, 'GET', '/health/live')).nodeId, nodeId, 'the process is the one that it was')
}

for (const [name, place] of Object.entries(events)) {
  t.test(name, async t => {
    const socket = await connect(t, server, cast.find('token'))
    await ask(socket, 'join:cafe', { cafeId: cast.find('cafe') })
    // Of `error` events one cannot tell which event they are about.
    const knock = knockOnEvent(socket, name, place, cast)
    let turn: Promise<unknown> = Promise.resolve()
    await tryAll(t, name, place, (field, cell) => {
      if (cell.class !== 'ack') return knock(field, cell)
      const answer = turn.then(() => knock(field, cell))
      turn = answer
      return answer
    })
    t.ok(socket.connected)
  })
}

t.test('handshake', async t => {
  await tryAll(t, 'handshake', handshake, knockOnDoor(t, url, handshake, cast))
})

for (const [name, place] of Object.entries(routes)) {
  t.test(name, async t => {
    const knock = knockOnRoute(url, name, place, cast)
    await tryAll(t, name, place, knock)
    if (Object.keys(place.fields).length === 0) t.match(await knock('', { class: 'missing', value: undefined, want: 'taken' }), { status: 200 })
  })
}

t.test('nothing of it was a fault of the server', async t => {
  t.equal(server.child.exitCode, null)
  t.notMatch(server.logs(), /"level":(50|60)/)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.notMatch(metrics, /"CHAT_(INTERNAL|UNAVAILABLE|OUTCOME_UNKNOWN)"\} [1-9]/)
})

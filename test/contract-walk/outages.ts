/** What a client hears while servers that klatsch needs are away, broken or slow, and while a node starts and stops. */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Test } from 'tap'
import type { Cafe, Readiness, SendReply } from '../../schemas/index.ts'
import { startListening } from '../e2e/starts.ts'
import { startPostgres, type OwnRedis, type OwnServer } from '../support/servers.ts'
import { once, until } from '../support/sockets.ts'
import { issuerEnv, renewalOf } from './doors.ts'
import { failAll, type Place } from './requests.ts'
import { createVisitors, issue, SECRET, type Visitors } from './visitor.ts'
import type { Witness } from './witness.ts'

const WAIT_MS = 20_000
/** Joins and leaves of one socket that may wait. */
const MAX_PENDING = 200
const MAX_TRIES = 5
/** Requests that wait for a lock together. */
const WAITING = 6

const readiness = async ({ attempt }: Visitors) => (JSON.parse((await attempt(undefined, 'isReady')).text) as Readiness).status

const becomes = (visitors: Visitors, status: Readiness['status']) => until(`the node is ${status}`, async () => await readiness(visitors) === status, WAIT_MS)

/** Redis dies; then the node is asked to stop. */
export async function loseRedis (visitors: Visitors, redis: OwnRedis, node: OwnServer, { token, cafeId }: Place & { token: string }) {
  const { call, connect, ask, refuse } = visitors
  const socket = await connect(token)
  await ask(socket, 'join:cafe', { cafeId })
  redis.kill()
  await becomes(visitors, 'degraded')
  await refuse(socket, 'presence:update', 'CHAT_UNAVAILABLE', { status: 'busy' })
  await call(token, 'listMembers', 503, { id: cafeId })
  await call(token, 'listTopics', 503, { id: cafeId })

  const draining = once(socket, 'server:draining', undefined, WAIT_MS)
  node.kill('SIGTERM')
  await becomes(visitors, 'draining')
  await draining
}

/** A node whose PostgreSQL comes late, is locked, is paused, loses a cafe and then everything, and goes. */
export async function losePostgres (t: Test, witness: Witness) {
  const postgres = await startPostgres(t)
  await postgres.stop()
  const node = await startListening(t, { ...issuerEnv, JWT_SECRET: SECRET, DATABASE_URL: postgres.url, PG_TIMEOUT: '1500', PRESSURE_DELAY: '0' })
  const visitors = createVisitors(t, witness, node)
  const { call, enter, connect, ask, say, refuse } = visitors
  const nothing = { cafeId: randomUUID(), messageId: randomUUID() }

  t.equal(await readiness(visitors), 'starting', 'it listens, and waits')
  await failAll(visitors, 503, issue(), nothing)
  await postgres.restart()
  await becomes(visitors, 'ready')

  const { token, user } = await enter('Ann')
  const open = (name: string) => call<Cafe>(token, 'openCafe', 201, { body: { name } })
  const [cafe, quiet, doomed, last] = [await open('Corner Table'), await open('Quiet Table'), await open('Doomed'), await open('Last')]
  const [socket, patient] = [await connect(token), await connect(token)]
  for (const { id } of [cafe, doomed]) await ask(socket, 'join:cafe', { cafeId: id })
  const send = async (content: string) => (await call<SendReply>(token, 'sendMessage', 201, { id: cafe.id, body: { content } })).message.id
  const [mine, another] = [await send('Espresso'), await send('Cappuccino')]
  const payloads: Array<[string, object]> = [
    ['message:send', { cafeId: cafe.id, content: 'Is anybody there?', clientId: 'again' }],
    ['message:edit', { messageId: mine, content: 'Is somebody there?' }],
    ['message:delete', { messageId: another }]
  ]
  /** On a busy machine the answer that the cafe is locked may come too late to be told. */
  async function refuseBusy (event: string, payload: object) {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const ack = await say(socket, event, payload)
      if (!ack.ok && ack.error.code === 'CHAT_UNAVAILABLE') return
    }
    throw new Error(`${event} was not refused while the cafe was locked`)
  }
  const keeper = new pg.Client({ connectionString: postgres.url })
  keeper.on('error', () => {}) // the server goes before the test does
  await keeper.connect()
  t.teardown(() => keeper.end())
  t.teardown(() => postgres.kill('SIGCONT')) // before the keeper takes leave of it

  // Somebody else holds the cafe. Who waits keeps a connection, so that there are enough for all who are asked for below.
  await keeper.query('BEGIN')
  await keeper.query('SELECT FROM cafe_heads WHERE cafe_id = $1 FOR UPDATE', [cafe.id])
  await Promise.all([
    ...payloads.map(([event, payload]) => refuseBusy(event, payload)),
    ...Array.from({ length: WAITING }, () => call(token, 'editMessage', 503, { id: mine, body: { content: 'Is it free?' } }))
  ])
  await keeper.query('ROLLBACK')

  // The database stands still in the middle of a write.
  postgres.kill('SIGSTOP')
  const waiting = [say(patient, 'join:cafe', { cafeId: quiet.id }), ...Array.from({ length: MAX_PENDING - 1 }, () => say(patient, 'leave:cafe', { cafeId: quiet.id }))]
  await Promise.all([
    ...payloads.map(([event, payload]) => refuse(socket, event, 'CHAT_OUTCOME_UNKNOWN', payload)),
    refuse(socket, 'auth:refresh', 'CHAT_UNAVAILABLE', renewalOf(user.id)),
    refuse(patient, 'leave:cafe', 'CHAT_LIMIT_REACHED', { cafeId: quiet.id }),
    refuse(socket, 'join:cafe', 'CHAT_UNAVAILABLE', { cafeId: quiet.id }),
    call(token, 'getCafe', 503, { id: cafe.id }),
    ...waiting
  ])
  postgres.kill('SIGCONT')
  await until('guests get in again', async () => (await visitors.attempt(undefined, 'enterAsGuest')).status === 201, WAIT_MS)

  // A keeper takes a cafe away while somebody is in it.
  await keeper.query('DELETE FROM cafes WHERE id = $1', [doomed.id])
  await refuse(socket, 'message:send', 'CHAT_CAFE_NOT_FOUND', { cafeId: doomed.id, content: 'Where am I?' })

  // A database without its tables, as after a restore that went wrong.
  await keeper.query('DROP SCHEMA public CASCADE')
  await failAll(visitors, 500, token, { cafeId: last.id, messageId: mine })
  for (const [event, payload] of [...payloads, ['join:cafe', { cafeId: last.id }] as const]) await refuse(socket, event, 'CHAT_INTERNAL', payload)

  await postgres.stop()
  await becomes(visitors, 'unavailable')
}

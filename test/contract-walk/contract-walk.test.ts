/**
 * What is sent is what is documented. Real nodes are asked for everything that docs/openapi.json, docs/asyncapi.json, docs/errors.md and
 * docs/protocol.md promise, by what really causes it, and each answer is judged by these documents and docs/schemas/ as they are committed.
 * Nothing of what they promise may stay unseen. The codes that the client makes up (CLIENT_*) never travel: the tests of the client have them.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { migrate } from '../../stores/postgres/migrate.ts'
import { plain, read, section, table } from '../docs/markdown.ts'
import { projectRoot } from '../support/paths.ts'
import { createDatabase, createTemplate, startRedis, startServer } from '../support/servers.ts'
import { browse, converse, crowdIn, settle } from './conversation.ts'
import { issuerEnv, knock, revokeTooMuch } from './doors.ts'
import { losePostgres, loseRedis } from './outages.ts'
import { blunder, hurry, overstay } from './refusals.ts'
import { headAll, refuseAll } from './requests.ts'
import { createVisitors, SECRET } from './visitor.ts'
import { createWitness } from './witness.ts'

t.setTimeout(120_000)
t.jobs = 2

/** Rates low enough to be reached, rooms small enough to be crowded, and a drain long enough to be seen. */
const env = {
  ...issuerEnv,
  JWT_SECRET: SECRET,
  SOCKET_MAX_CAFES: '2',
  CHAT_TYPING_ROOM: '3',
  CHAT_JOIN_USER_RATE: '20',
  CHAT_TYPING_USER_RATE: '20',
  CHAT_PRESENCE_USER_RATE: '5',
  PG_TIMEOUT: '5000',
  PRESSURE_DELAY: '0',
  DRAIN_WAIT: '2000'
}

const witness = createWitness()

const healthy = t.test('a node with Redis, until it is gone', { buffered: true }, async t => {
  const [redis, databaseUrl] = await Promise.all([startRedis(t), createTemplate('klatsch', migrate).then(template => createDatabase(t, template))])
  const node = await startServer(t, { ...env, DATABASE_URL: databaseUrl, REDIS_URL: redis.url })
  const visitors = createVisitors(t, witness, node)
  const place = await settle(visitors)
  await Promise.all([
    converse(visitors),
    crowdIn(visitors),
    blunder(visitors, place),
    hurry(visitors, place.cafeId),
    overstay(visitors, witness, place),
    knock(visitors),
    refuseAll(visitors, place.token, place)
  ])
  t.strictSame(await headAll(visitors, place.token, place), [], 'every GET answers HEAD')
  await browse(visitors, place)
  await revokeTooMuch(visitors, databaseUrl)
  await loseRedis(visitors, redis, node, place)
})

const broken = t.test('a node with a PostgreSQL that comes late and breaks', { buffered: true }, t => losePostgres(t, witness))

await Promise.all([healthy, broken])

t.test('all that came is as documented, and all that is documented came', async t => {
  t.strictSame(witness.faults, [])
  for (const { what, wanted, missing } of witness.coverage()) {
    t.strictSame(missing, [], `${what}: ${wanted.length - missing.length} of ${wanted.length}`)
  }
})

t.test('each code of the client is in a test of the client', async t => {
  const tests = readdirSync(join(projectRoot, 'test/client')).filter(file => file.endsWith('.test.ts')).map(file => read(`test/client/${file}`)).join('\n')
  const missing = table(section(read('docs/client.md'), 'Errors')).map(row => plain(row.code!)).filter(code => !tests.includes(`'${code}'`))
  t.strictSame(missing, [])
})

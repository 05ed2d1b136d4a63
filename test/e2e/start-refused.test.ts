import { createServer } from 'node:net'
import t from 'tap'
import { freePort } from '../support/processes.ts'
import { createDatabase, startRedis } from '../support/servers.ts'
import { change, run } from './starts.ts'

const SECRET = 'a secret for the tests that is long enough'

t.setTimeout(120_000)

t.test('a port that is taken', async t => {
  const port = await freePort()
  const holder = createServer()
  t.teardown(() => { holder.close() })
  await new Promise<void>(resolve => { holder.listen(port, '127.0.0.1', resolve) })
  const { code, stdout } = await run(t, 'server', { DATABASE_URL: await createDatabase(t), PORT: String(port) })
  t.equal(code, 1)
  t.match(stdout, `klatsch cannot start: HOST 127.0.0.1, PORT ${port}: listen EADDRINUSE`)
})

t.test('a wrong variable stops the start: its name and the rule, never its value', async t => {
  const wrong = {
    PORT: ['http-alt', 'must be integer'],
    CHAT_MESSAGE_MAX_LENGTH: ['4001', 'must be <= 4000'],
    DATABASE_URL: ['mysql://ann:espresso@db/klatsch', 'must match pattern "^postgres(ql)?://"'],
    LOG_LEVEL: ['chatty', 'must be equal to one of the allowed values'],
    JWT_SECRET: ['short-and-sweet', 'must NOT have fewer than 32 characters']
  }
  const { code, stdout, stderr } = await run(t, 'server', Object.fromEntries(Object.entries(wrong).map(([name, [value]]) => [name, value!])))
  t.equal(code, 1)
  t.equal(stdout, '')
  const [, told] = /^Wrong environment: (.*)\n$/.exec(stderr) ?? []
  t.strictSame(told?.split('; ').sort(), Object.entries(wrong).map(([name, [, rule]]) => `${name} ${rule}`).sort(), 'all of them, in one line, without a stack')
  for (const [value] of Object.values(wrong)) t.notOk(stderr.includes(value!))
})

t.test('production does not make up what it was not given', async t => {
  for (const [given, missing] of [['JWT_SECRET', 'DATABASE_URL'], ['DATABASE_URL', 'JWT_SECRET']] as const) {
    const values = { JWT_SECRET: SECRET, DATABASE_URL: 'postgres://ann:espresso@db/klatsch' }
    const { code, stdout, stderr } = await run(t, 'server', { NODE_ENV: 'production', [given]: values[given] })
    t.strictSame({ code, stdout, stderr }, { code: 1, stdout: '', stderr: `Wrong environment: NODE_ENV=production needs ${missing}\n` })
  }
})

t.test('what will never work is not waited for: the variable is named, its secrets are not', async t => {
  const databaseUrl = await createDatabase(t)
  const { url: redisUrl } = await startRedis(t, { args: ['--requirepass', 'espresso'] })
  const attempts = [
    { what: 'password of PostgreSQL', env: { DATABASE_URL: change(databaseUrl, 'password', 'ristretto') }, says: 'DATABASE_URL is refused: password authentication failed' },
    { what: 'name of the database', env: { DATABASE_URL: change(databaseUrl, 'pathname', '/nowhere') }, says: 'DATABASE_URL is refused: database \\"nowhere\\" does not exist' },
    { what: 'password of Redis', env: { DATABASE_URL: databaseUrl, REDIS_URL: change(redisUrl, 'password', 'ristretto') }, says: 'REDIS_URL is refused: WRONGPASS' }
  ]
  for (const { what, env, says } of attempts) {
    const { code, stdout, stderr } = await run(t, 'server', env)
    t.equal(code, 1, what)
    t.match(stdout, `klatsch cannot start: ${says}`, what)
    t.equal(stderr, '', 'nothing but log lines')
    for (const secret of ['ristretto', 'espresso', new URL(databaseUrl).password]) t.notOk(stdout.includes(secret), 'no secret in it')
    t.notMatch(stdout, /stopping after an error|second error/, 'one clean end')
  }
})

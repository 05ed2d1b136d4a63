import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { Redis } from 'ioredis'
import t from 'tap'
import { projectRoot, scriptArgs } from './support/paths.ts'
import { findUrl } from './support/server.ts'
import { createDatabase, createTemplate, freePort, launch, redisUrl, startPostgres, startRedis, startServer, until, type Scope } from './support/servers.ts'

/** A scope that the test itself ends, to look at what is left. */
function createScope (): Scope & { end: () => Promise<void> } {
  const steps: Array<() => unknown> = []
  return {
    teardown: (fn) => steps.push(fn),
    async end () {
      for (const step of steps.reverse()) await step()
    }
  }
}

/** The rows of one query on a connection of its own. */
async function query (connectionString: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** Whether anybody listens at the address of a URL. */
async function answers (url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = createConnection(Number(port), hostname)
  return new Promise((resolve) => {
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => resolve(false))
  })
}

// Several servers and runs inside this one: on a busy machine more than tap's 30 s.
t.setTimeout(120_000)

t.test('two databases are isolated, and gone after their tests', async (t) => {
  const scope = createScope()
  const [one, two] = [await createDatabase(scope), await createDatabase(scope)]
  t.not(one, two)
  await query(one, 'CREATE TABLE secrets ()')
  await t.rejects(query(two, 'SELECT FROM secrets'), { code: '42P01' })
  await scope.end()
  await t.rejects(query(one, 'SELECT'), { code: '3D000' })
})

t.test('a database that is still in use is dropped all the same', async (t) => {
  const scope = createScope()
  const client = new pg.Client({ connectionString: await createDatabase(scope) })
  // pg tells twice: the server's last words, then the end of the connection.
  const cut = new Promise<Error>((resolve) => { client.on('error', resolve) })
  await client.connect()
  await scope.end()
  t.match(await cut, { code: '57P01' })
})

t.test('a template is filled once and cloned by many', async (t) => {
  let fills = 0
  const fill = async (url: string) => {
    fills++
    await query(url, 'CREATE TABLE things AS SELECT 7 AS id')
  }
  const name = `template_${process.pid}`
  const names = await Promise.all([createTemplate(name, fill), createTemplate(name, fill)])
  t.same(names, [name, name])
  t.equal(fills, 1)
  const urls = await Promise.all([createDatabase(t, name), createDatabase(t, name)])
  for (const url of urls) t.same(await query(url, 'SELECT id FROM things'), [{ id: 7 }])
})

t.test('redis is private, comes back empty on its port, can be paused, and ends with its test', async (t) => {
  const scope = createScope()
  const server = await startRedis(scope, { args: ['--maxmemory', '64mb'] })
  const client = new Redis(server.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  t.teardown(() => client.disconnect())
  client.on('error', () => {})
  t.same(await client.config('GET', 'maxmemory'), ['maxmemory', String(64 * 1024 * 1024)])
  await client.set('key', 'value')

  server.kill('SIGSTOP')
  const paused = client.get('key')
  t.equal(await Promise.race([paused, new Promise((resolve) => { setTimeout(resolve, 100, 'nothing') })]), 'nothing')
  server.kill('SIGCONT')
  t.equal(await paused, 'value')

  const { pid } = server
  server.kill()
  await until('redis is gone', async () => !await answers(server.url), 2000)
  await server.restart()
  t.not(server.pid, pid)
  t.equal(await client.get('key'), null)
  await scope.end()
  t.notOk(await answers(server.url))
})

t.test('redis on a port that is taken says so', async (t) => {
  const { port } = await startRedis(t)
  await t.rejects(startRedis(t, { port }), /ddress already in use/)
})

t.test('tests that share TEST_REDIS_URL have databases of their own', async (t) => {
  const { url } = await startRedis(t, { args: ['--databases', '3'] })
  const before = process.env.TEST_REDIS_URL
  process.env.TEST_REDIS_URL = url
  t.teardown(() => {
    if (before === undefined) delete process.env.TEST_REDIS_URL
    else process.env.TEST_REDIS_URL = before
  })
  const left = new Redis(`${url}/1`)
  await left.set('from an earlier test', 1)
  const scope = createScope()
  t.same([await redisUrl(scope), await redisUrl(scope)], [`${url}/1`, `${url}/2`])
  t.equal(await left.dbsize(), 0, 'flushed')
  left.disconnect()
  await t.rejects(redisUrl(scope), /all 2 databases/)
  await scope.end()
  t.equal(await redisUrl(t), `${url}/1`, 'free again')
})

t.test('a PostgreSQL of its own keeps address and data over kill and restart, and can be paused', async (t) => {
  const server = await startPostgres(t)
  const client = new pg.Client({ connectionString: server.url })
  const cut = new Promise((resolve) => { client.on('error', resolve) })
  await client.connect()
  await client.query('CREATE TABLE things AS SELECT 7 AS id')

  server.kill('SIGSTOP')
  const paused = client.query('SELECT id FROM things')
  t.equal(await Promise.race([paused, new Promise((resolve) => { setTimeout(resolve, 100, 'nothing') })]), 'nothing')
  server.kill('SIGCONT')
  t.same((await paused).rows, [{ id: 7 }])

  const { pid } = server
  server.kill()
  await cut
  await until('it is gone', async () => !await answers(server.url), 2000)
  await server.restart()
  t.not(server.pid, pid)
  t.same(await query(server.url, 'SELECT id FROM things'), [{ id: 7 }])
  await server.stop()
  t.notOk(await answers(server.url), 'nobody starts it again')
  await server.restart()
})

t.test('launch tells why a server did not come up', async (t) => {
  const run = (code: string, timeoutMs = 10_000) => launch({ command: process.execPath, args: ['-e', code], ready: () => undefined, timeoutMs })
  await t.rejects(run('console.error("no such luck"); process.exit(3)'), /ended with 3:[^]*no such luck/)
  await t.rejects(run('console.log("wait for it"); setTimeout(() => {}, 20000)', 1000), /not ready after 1000 ms:[^]*wait for it/)
  await t.rejects(launch({ command: '/no/such/server', args: [], ready: () => undefined }), { code: 'ENOENT' })
})

t.test('the line that says where the server is', async (t) => {
  const json = '{"level":30,"url":"http://127.0.0.1:4000/","msg":"klatsch is ready at http://127.0.0.1:4000/"}'
  t.equal(findUrl(`{"msg":"starting"}\n${json}\n`), 'http://127.0.0.1:4000')
  t.equal(findUrl('klatsch is ready at http://127.0.0.1:4000\n'), 'http://127.0.0.1:4000')
  t.equal(findUrl(json), undefined, 'not before the line is whole')
})

t.test('the server starts as a process, says where it is, and stops cleanly', async (t) => {
  const server = await startServer(t, { DATABASE_URL: await createDatabase(t) })
  t.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal((await fetch(`${server.url}/health/live`)).status, 200)
  t.match(server.logs(), /klatsch is ready/)
  t.equal(await server.stop(), 0)
  t.same(await server.exited, { code: 0, signal: null })
  t.notOk(await answers(server.url))
})

t.test('a server that does not start tells why', async (t) => {
  await t.rejects(startServer(t, { DATABASE_URL: await createDatabase(t), PORT: 'none' }), /PORT/)
})

t.test('free ports are free', async (t) => {
  const port = await freePort()
  t.ok(port > 1023)
  t.notOk(await answers(`http://127.0.0.1:${port}`))
})

/** Environment without the marks of the run that we are in: the child is to be one of its own. */
const plainEnv = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TAP')))

for (const [how, args, isRun] of [['of one file', [], 'pid'], ['of several', ['shared'], 'parent']] as const) {
  t.test(`a run ${how} that is killed takes its servers with it`, async (t) => {
    // The shell stands between: a child of ours would find our run's servers and use those.
    const shell = spawn('sh', ['-c', '"$@"; :', 'sh', process.execPath, ...scriptArgs('test/support/held-run'), ...args], { cwd: projectRoot, env: plainEnv, stdio: ['ignore', 'ignore', 'pipe'] })
    const { postgresUrl, redisUrl, folder, [isRun]: pid } = await new Promise<Held>((resolve, reject) => {
      const lines: string[] = []
      createInterface(shell.stderr).on('line', (line) => {
        lines.push(line)
        if (line.startsWith('{')) resolve(JSON.parse(line) as Held)
      }).on('close', () => reject(new Error(lines.join('\n'))))
    })
    const note = join(projectRoot, '.tap', 'servers', `${pid}.json`)
    t.ok(await answers(postgresUrl) && await answers(redisUrl) && existsSync(folder) && existsSync(note), 'all there')
    process.kill(pid, 'SIGKILL')
    await until('PostgreSQL, Redis and their data are gone', async () => {
      return !await answers(postgresUrl) && !await answers(redisUrl) && ![folder, note].some((path) => existsSync(path))
    }, 5000)
  })
}

interface Held { pid: number, parent: number, postgresUrl: string, redisUrl: string, folder: string }

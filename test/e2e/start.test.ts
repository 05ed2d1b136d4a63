import { statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Readiness } from '../../schemas/health.ts'
import type { MessagePage, SendReply } from '../../schemas/messages.ts'
import { freePort } from '../support/processes.ts'
import { createDatabase, startRedis, startServer } from '../support/servers.ts'
import { ask, call, connect, guest, heard, open, openCafe, until } from '../support/sockets.ts'
import { change, folder, forward, run, signal, startListening } from './starts.ts'

/** What a supervisor gives a process to stop. */
const STOP_MS = 10_000
/** Longest pause between two tries to reach a server, and a good deal for a busy machine. */
const RETRY_MS = 15_000

// Most of these wait for something: side by side they take as long as the slowest.
t.jobs = 2
t.setTimeout(120_000)

t.test('without any server: an embedded PostgreSQL, whose data outlives the process however that ends', { buffered: true }, async t => {
  const env = { DATA_DIR: folder(t) }
  let server = await startServer(t, env)
  const index = await call<{ name: string, links: Record<string, string> }>(server, 'GET', '/')
  t.equal(index.name, 'klatsch')
  for (const path of [index.links.ready!, index.links.live!, index.links.metrics!]) t.equal((await fetch(server.url + path)).status, 200, path)
  t.strictSame(await ready(server.url), { status: 'ready', postgres: 'up', redis: 'unused', feed: 'unused' })

  const ann = await guest(server, 'ann')
  const cafe = await openCafe(server, ann)
  const send = (content: string) => call<SendReply>(server, 'POST', `/api/chat/messages/${cafe.id}`, { token: ann.token, body: { content } })
  const read = () => call<MessagePage>(server, 'GET', `/api/chat/messages/${cafe.id}`, { token: ann.token })
  await send('before the restart')

  const second = await run(t, 'server', env)
  t.equal(second.code, 1, 'a second process on the same data gives up')
  t.match(second.stdout, /klatsch cannot start: .*DATA_DIR/)

  const socket = await connect(t, server, ann.token)
  const interrupted = await signal(server, 'SIGINT')
  t.match(interrupted, { code: 0, signal: null }, 'Ctrl-C')
  t.ok(interrupted.ms < STOP_MS, `in ${interrupted.ms} ms`)
  t.notOk(socket.connected)

  server = await startServer(t, env)
  t.match(await read(), { total: 1, messages: [{ content: 'before the restart', username: 'ann' }] }, 'the token is still good, the message is still there')
  await send('before kill -9')
  t.match(await signal(server, 'SIGKILL'), { code: null, signal: 'SIGKILL' })

  server = await startServer(t, env)
  t.match(await read(), { total: 2, messages: [{ content: 'before kill -9' }, { content: 'before the restart' }] })
  await send('after it')
  t.equal(statSync(join(env.DATA_DIR, 'jwt-secret')).mode & 0o777, 0o600, 'the secret is for its owner only')
  const stopped = await signal(server, 'SIGTERM')
  t.match(stopped, { code: 0, signal: null })
  t.ok(stopped.ms < STOP_MS, `in ${stopped.ms} ms`)
  t.notMatch(server.logs(), /"level":[56]0/, 'nothing to complain of')
})

t.test('PostgreSQL and Redis come later than the server', { buffered: true }, async t => {
  const [databaseUrl, postgresPort, redisPort] = [await createDatabase(t), await freePort(), await freePort()]
  const server = await startListening(t, {
    DATABASE_URL: change(databaseUrl, 'port', String(postgresPort)),
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    TRUST_PROXY: '10.0.0.0/8'
  })
  t.notMatch(server.logs(), 'klatsch is ready')
  t.strictSame(await ready(server.url, 503), { status: 'starting', postgres: 'down', redis: 'down', feed: 'up' })
  t.equal((await fetch(`${server.url}/health/live`)).status, 200, 'alive')
  await refusesAll(t, server.url)

  await forward(t, postgresPort, databaseUrl)
  await until('PostgreSQL is reached', async () => (await ready(server.url, 503)).postgres === 'up', RETRY_MS)
  t.strictSame(await ready(server.url, 503), { status: 'starting', postgres: 'up', redis: 'down', feed: 'up' })
  await refusesAll(t, server.url)

  await startRedis(t, { port: redisPort })
  await until('it is ready', () => server.logs().includes('klatsch is ready'), RETRY_MS)
  t.strictSame(await ready(server.url), { status: 'ready', postgres: 'up', redis: 'up', feed: 'up' })
  const ann = await guest(server, 'ann')
  await connect(t, server, ann.token)
  t.match(server.logs(), '"msg":"PostgreSQL is not reachable yet"')
  t.notMatch(server.logs(), /"level":[56]0/)
  t.match(await signal(server, 'SIGTERM'), { code: 0, signal: null })
})

t.test('told to stop while it serves: it is no longer ready, and for a while does all the same', { buffered: true }, async t => {
  const DRAIN_WAIT_MS = 800
  const server = await startServer(t, { DATABASE_URL: await createDatabase(t), DRAIN_WAIT: String(DRAIN_WAIT_MS), CHAT_LIMITS: 'off' })
  const ann = await guest(server, 'ann')
  const socket = await connect(t, server, ann.token)
  const cafe = await openCafe(server, ann)
  await ask(socket, 'join:cafe', { cafeId: cafe.id })
  const began = Date.now()
  const stopped = signal(server, 'SIGTERM')
  let served = 0
  await until('it says so', async () => (await fetch(`${server.url}/health/ready`)).status === 503)
  for (; Date.now() - began < DRAIN_WAIT_MS - 300; served++) {
    t.equal((await ready(server.url, 503)).status, 'draining')
    t.ok(await openCafe(server, ann), 'REST is served')
    await ask(socket, 'message:send', { cafeId: cafe.id, content: `number ${served}` })
  }
  t.ok(served > 3, `${served} times`)
  t.equal((await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`)).status, 403, 'a new connection is turned away')
  const { code, ms } = await stopped
  t.equal(code, 0)
  t.ok(ms >= DRAIN_WAIT_MS, `in ${ms} ms`)
})

t.test('told to stop in the middle of its boot', { buffered: true }, async t => {
  // Nobody answers, so the boot takes its time; it has not come to listen yet.
  const env = { DATABASE_URL: `postgres://ann:espresso@127.0.0.1:${await freePort()}/klatsch` }
  const server = await startListening(t, env, /"msg":"(PostgreSQL is not reachable yet)"/)
  t.notMatch(server.logs(), 'Server listening')
  const stopped = await signal(server, 'SIGTERM')
  t.match(stopped, { code: 0, signal: null })
  t.ok(stopped.ms < STOP_MS, `in ${stopped.ms} ms`)
  t.notMatch(server.logs(), 'Server listening', 'it never did')
  t.notMatch(server.logs(), /"level":[56]0/)
})

t.test('told to stop while it waits for both', { buffered: true }, async t => {
  const server = await startListening(t, {
    DATABASE_URL: `postgres://ann:espresso@127.0.0.1:${await freePort()}/klatsch`,
    REDIS_URL: `redis://127.0.0.1:${await freePort()}`
  })
  const stopped = await signal(server, 'SIGTERM')
  t.match(stopped, { code: 0, signal: null })
  t.ok(stopped.ms < STOP_MS / 2, `in ${stopped.ms} ms`)
  t.notMatch(server.logs(), 'klatsch is ready')
  t.notMatch(server.logs(), 'espresso')
  t.notMatch(server.logs(), /"level":[56]0/)
})

t.test('a fault that nobody catches is logged, and the process stops in order, with exit code 1', { buffered: true }, async t => {
  // No request makes this server throw past its handlers, so the fault comes from outside, by a signal that means nothing else.
  const fault = encodeURIComponent("process.on('SIGWINCH', () => { throw new Error('a fault of the program') })")
  const server = await startServer(t, { DATABASE_URL: await createDatabase(t), NODE_OPTIONS: `--import=data:text/javascript,${fault}` })
  const socket = await connect(t, server, (await guest(server, 'ann')).token)
  t.match(await signal(server, 'SIGWINCH'), { code: 1, signal: null })
  t.equal(heard(socket, 'server:draining').length, 1)
  t.match(server.logs(), /"level":60.*"message":"a fault of the program".*"msg":"stopping after an error"/)
})

async function ready (url: string, status = 200): Promise<Readiness> {
  const response = await fetch(`${url}/health/ready`)
  if (response.status !== status) throw new Error(`/health/ready: ${response.status} ${await response.text()}`)
  return await response.json() as Readiness
}

/** A node that has not started serves nobody, and says that it is worth trying again. */
async function refusesAll (t: Test, url: string) {
  const response = await fetch(`${url}/api/auth/guest`, { method: 'POST' })
  t.equal(response.status, 503)
  t.equal(response.headers.get('retry-after'), '1')
  t.match(await response.json(), { code: 'CHAT_UNAVAILABLE', retryAfterMs: 1000 })
  const socket = open(t, { url }, 'whatever token', { reconnection: true })
  await new Promise(resolve => { socket.once('connect_error', resolve) })
  t.ok(socket.active, 'a stock client tries again by itself')
  socket.disconnect()
}

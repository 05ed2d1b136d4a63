import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import t from 'tap'
import { signHmac } from '../support/issuers.ts'
import { createDatabase, startRedis, startServer } from '../support/servers.ts'
import { ask, call, connect, emit, guest, heard, open, openCafe, refusal, until } from '../support/sockets.ts'

const JWT_SECRET = 'a secret that must not be told, long enough'
const shared = 'another one of the issuer, as long as that'
const ISSUER = 'https://id.example'
const now = () => Math.floor(Date.now() / 1000)

/** What must not appear anywhere, each with something to recognise it by. */
const secrets = new Map([['JWT_SECRET', JWT_SECRET], ['the secret of the issuer', shared]])
const words = new Map<string, string>()

/** A token, of which every part is a secret; the header is the same for all. */
function keep (name: string, token: string): string {
  for (const part of token.split('.').slice(1)) if (part.length > 10) secrets.set(name, part)
  return token
}

function say (name: string): string {
  const text = `Geheimnis ${randomUUID()}`
  words.set(name, text)
  return text
}

t.setTimeout(60_000)

t.test('a busy server at level trace: no token and nothing that anybody wrote in its log, no token in Redis', async t => {
  const redis = await startRedis(t)
  const databaseUrl = await createDatabase(t)
  const JWT_ISSUERS = JSON.stringify([{ issuer: ISSUER, audience: 'chat', secret: shared }])
  const server = await startServer(t, { LOG_LEVEL: 'trace', DATABASE_URL: databaseUrl, REDIS_URL: redis.url, JWT_SECRET, JWT_ISSUERS, CHAT_USER_RATE: '10' })
  const watcher = new Redis(redis.url)
  t.teardown(() => watcher.disconnect())
  const monitor = await watcher.monitor()
  t.teardown(() => monitor.disconnect())
  monitor.on('error', () => {})
  const commands: string[] = []
  monitor.on('monitor', (_time: string, args: string[]) => commands.push(args.join(' ')))

  const own = (name: string, claims: object = {}, secret = JWT_SECRET) => keep(name, signHmac({ sub: randomUUID(), username: 'ann', iat: now(), exp: now() + 600, jti: randomUUID(), ...claims }, secret))
  const ann = await guest(server, 'ann')
  keep('guest', ann.token)
  const { id: cafeId } = await openCafe(server, ann)

  // Everything that is right.
  const socket = await connect(t, server, ann.token, { auth: { cafeId } })
  const { message } = await ask(socket, 'message:send', { cafeId, content: say('sent') })
  await call(server, 'POST', `/api/chat/messages/${cafeId}`, { token: ann.token, body: { content: say('sent over REST') } })
  await ask(socket, 'message:edit', { messageId: message.id, content: say('edited') })
  await ask(socket, 'message:delete', { messageId: message.id })
  await ask(socket, 'presence:update', { status: 'away', text: say('status') })
  const refreshed = await call<{ token: string }>(server, 'POST', '/api/auth/refresh', { token: ann.token })
  await ask(socket, 'auth:refresh', { token: keep('refreshed', refreshed.token) })
  const account = keep('account', signHmac({ iss: ISSUER, aud: 'chat', sub: randomUUID(), username: 'Käthe', exp: now() + 600 }, shared))
  await call(server, 'POST', '/api/auth/link', { token: ann.token, body: { token: account } })
  await connect(t, server, account, { auth: { cafeId } })

  // Everything that is wrong.
  for (const [name, token] of Object.entries({
    'bad signature': keep('bad signature', `${ann.token.slice(0, -4)}AAAA`),
    expired: own('expired', { exp: now() - 60 }),
    'of another secret': own('of another secret', {}, 'x'.repeat(40)),
    'odd claims': own('odd claims', { sub: { a: 1 } }),
    'wrong audience': keep('wrong audience', signHmac({ iss: ISSUER, aud: 'mail', sub: randomUUID(), username: 'x', exp: now() + 60 }, shared))
  })) {
    t.equal((await refusal(open(t, server, token))).code, 'CHAT_UNAUTHENTICATED', name)
    await call(server, 'GET', '/api/cafes', { token, status: 401 })
    await call(server, 'GET', `/api/cafes?token=${token}`, { status: 401 })
    await call(server, 'GET', `/nowhere/${token}?access_token=${token}`, { status: 404 })
    await fetch(`${server.url}/socket.io/?EIO=4&transport=polling&token=${token}`, { headers: { origin: `https://${token.slice(-40)}.example` } })
    t.match(await emit(socket, 'auth:refresh', { token }), { ok: false })
    t.match(await emit(socket, 'message:send', { cafeId, content: say(name), token }), { ok: false })
  }
  for (const content of [`${say('too long')} ${'x'.repeat(600)}`, `\u0000${say('with NUL')}`]) t.match(await emit(socket, 'message:send', { cafeId, content }), { ok: false })
  const repeated = say('repeated')
  for (let n = 0; n < 12; n++) await emit(socket, 'message:send', { cafeId, content: repeated })
  await fetch(`${server.url}/api/chat/messages/${cafeId}`, { method: 'POST', headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' }, body: `{"content":"${say('broken JSON')}` })

  // Servers that fail, and tokens that end.
  redis.kill()
  await emit(socket, 'message:send', { cafeId, content: say('without Redis') })
  await redis.restart()
  const brief = await connect(t, server, own('brief', { exp: now() + 1 }))
  const admin = own('admin', { role: 'admin' })
  const revoked = await connect(t, server, own('revoked', { sub: ann.user.id, iat: now() - 5 }))
  await call(server, 'POST', '/api/auth/revocations', { token: admin, body: { userId: ann.user.id, reason: say('reason') } })
  await until('both are told', () => [brief, revoked].every(one => heard(one, 'auth:expired').length === 1))
  t.equal(await server.stop(), 0)

  const log = server.logs()
  t.ok(log.split('\n').length > 20 && log.includes('"level":20'), 'there is a log to look at')
  t.ok(commands.length > 100 && commands.some(line => line.includes(words.get('sent')!)), 'and what went through Redis')
  for (const [name, secret] of secrets) {
    t.notOk(log.includes(secret), `log: ${name}`)
    t.notOk(commands.some(line => line.includes(secret)), `Redis: ${name}`)
  }
  for (const [name, text] of words) t.notOk(log.includes(text), `log: what was ${name}`)
})

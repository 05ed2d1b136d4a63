import { deflateRawSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { migrate } from '../../stores/postgres/migrate.ts'
import { errorFault } from '../support/contract.ts'
import { SECRET } from '../support/build.ts'
import { createDatabase, createTemplate, startServer } from '../support/servers.ts'
import { ask, call, type Client, connect, guest, heard, heardAll, openCafe, until } from '../support/sockets.ts'
import { BINARY, CLOSE, CONTINUED, type Frame, PING, talk, TEXT, upgrade } from './raw.ts'

/*
 * What was once found in the parts that the server is made of, played again with raw bytes, and what lies near it. Each attack may end its own connection, and nothing else: the
 * process stays the one that it was, a witness hears what is said after it, and the memory stays where it is. Tokens are in test/corpus/.
 */

const MOST_MEMORY_GROWTH = 150 * 1024 * 1024

const databaseUrl = await createDatabase(t, await createTemplate('klatsch_migrated', async url => { await migrate(url) }))
const server = await startServer(t, { DATABASE_URL: databaseUrl, JWT_SECRET: SECRET, CHAT_LIMITS: 'off', PG_TIMEOUT: '5000', PRESSURE_DELAY: '0' })
const { url } = server
const ann = await guest(server, 'Ann')
const { id: cafeId } = await openCafe(server, ann)
const witness: Client = await connect(t, server, ann.token)
await ask(witness, 'join:cafe', { cafeId })
const alive = () => call<{ nodeId: string }>(server, 'GET', '/health/live')
const { nodeId } = await alive()
const memory = async () => Number(/^process_resident_memory_bytes(?:\{.*\})? (\S+)$/m.exec(await (await fetch(`${url}/metrics`)).text())![1])
const atFirst = await memory()
const { token } = ann

/** Everything is as it was before the attack. */
async function sound (t: Test, what: string) {
  t.equal((await alive()).nodeId, nodeId, `${what}: the process lives`)
  const content = `after ${what}`
  await ask(witness, 'message:send', { cafeId, content })
  await until('the witness hears it', () => heard(witness, 'message:new').at(-1)?.message.content === content)
}

const headerOf = (answer: string) => answer.split('\r\n\r\n')[0]!
const statusOf = (answer: string) => Number(answer.split(' ')[1])

/** A refusal in our words, with one of these statuses, or no word at all. */
function refusedBy (t: Test, answer: string, statuses: number[], what: string) {
  if (answer === '') return t.ok(statuses.includes(0), `${what}: closed without a word`)
  t.ok(statuses.includes(statusOf(answer)), `${what}: ${answer.slice(0, 200)}`)
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4)
  if (statusOf(answer) >= 400 && /^content-type: application\/json/im.test(headerOf(answer))) t.equal(errorFault(JSON.parse(body)), undefined, `${what}: ${body}`)
  t.notMatch(answer, /FST_|HPE_|node_modules|SyntaxError| at \w+ \(/, what)
}

t.test('ws: frames that break the protocol', async t => {
  const bomb = deflateRawSync(Buffer.alloc(20_000_000))
  const attacks: Record<string, Frame[]> = {
    'a compressed bomb, where nothing may be compressed': [{ opcode: TEXT, payload: bomb, rsv: 4 }],
    'reserved bits': [{ opcode: TEXT, payload: '2', rsv: 1 }],
    'a reserved opcode': [{ opcode: 11, payload: 'x' }],
    'no mask': [{ opcode: TEXT, payload: '2', masked: false }],
    'a ping in pieces': [{ opcode: PING, payload: 'x', fin: false }],
    'a ping that is too long': [{ opcode: PING, payload: 'x'.repeat(126) }],
    'a continuation of nothing': [{ opcode: CONTINUED, payload: 'x' }],
    'a beginning within a message': [{ opcode: TEXT, payload: '4', fin: false }, { opcode: TEXT, payload: '2' }],
    'a length of 2 to the 63': [{ opcode: TEXT, payload: 'x', length: 1n << 63n }],
    'a length of a gigabyte': [{ opcode: TEXT, payload: 'x', length: 1n << 30n }],
    'one byte over the limit': [{ opcode: TEXT, payload: `4${'x'.repeat(65_536)}` }],
    'text that is no UTF-8': [{ opcode: TEXT, payload: Buffer.from([0x34, 0xc3, 0x28]) }],
    'a close code that nobody may use': [{ opcode: CLOSE, payload: Buffer.from([0x03, 0xed]) }],
    'pieces that are too much together': Array.from({ length: 40 }, (_, index) => ({ opcode: index === 0 ? TEXT : CONTINUED, payload: 'x'.repeat(2000), fin: false })),
    'a hundred thousand pieces of a byte': Array.from({ length: 100_000 }, (_, index) => ({ opcode: index === 0 ? TEXT : CONTINUED, payload: 'x', fin: false })),
    'two hundred thousand empty pieces': Array.from({ length: 200_000 }, (_, index) => ({ opcode: index === 0 ? BINARY : CONTINUED, fin: false }))
  }
  for (const [what, frames] of Object.entries(attacks)) {
    const client = await upgrade(t, url, { token, headers: 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n' })
    t.notMatch(client.answer(), /^sec-websocket-extensions/im, 'no compression is agreed on')
    client.sendAll(frames)
    await client.over(what)
    await sound(t, what)
  }
})

t.test('socket.io-parser: attachments and placeholders', async t => {
  const placeholder = (num: unknown) => JSON.stringify({ _placeholder: true, num })
  const attacks: Record<string, Array<string | Buffer>> = {
    'more attachments than anyone may have': ['4511-["join:cafe",{}]'],
    'no attachment at all': ['450-["join:cafe",{}]'],
    'attachments without a number': ['45-["join:cafe",{}]'],
    'attachments without an end': ['4599999999999999-["join:cafe",{}]'],
    'a number of attachments that is none': ['451e9-["join:cafe",{}]'],
    'fewer than none': ['45-1-["join:cafe",{}]'],
    'an event while attachments are missing': ['451-["join:cafe",{"_placeholder":true,"num":0}]', '42["join:cafe",{}]'],
    'an attachment of nothing': [Buffer.from('x')],
    'a placeholder of another one': [`451-["join:cafe",${placeholder(7)}]`, Buffer.from('x')],
    'a placeholder below the first': [`451-["join:cafe",${placeholder(-1)}]`, Buffer.from('x')],
    'a placeholder by a name': [`451-["join:cafe",${placeholder('length')}]`, Buffer.from('x')],
    'a placeholder of a prototype': [`451-["join:cafe",${placeholder('__proto__')}]`, Buffer.from('x')],
    'no JSON': ['42[', '42["join:cafe"'],
    'an event that is no array': ['42{"join:cafe":1}'],
    'an event without a name': ['42[]'],
    'a type that there is not': ['49'],
    'names that only the server may say': ['42["connect"]']
  }
  for (const [what, packets] of Object.entries(attacks)) {
    const client = await upgrade(t, url, { token })
    for (const packet of packets) client.send({ opcode: typeof packet === 'string' ? TEXT : BINARY, payload: packet })
    await client.over(what)
    await sound(t, what)
  }
})

t.test('socket.io-parser: packets that are read, and refused', async t => {
  const packets: Record<string, Array<string | Buffer>> = {
    'ten attachments': [`4510-["join:cafe",${Array.from({ length: 10 }, (_, num) => JSON.stringify({ _placeholder: true, num })).join()}]`, ...Array<Buffer>(10).fill(Buffer.from('x'))],
    'one attachment in many places': [`451-["join:cafe",[${Array<string>(1000).fill('{"_placeholder":true,"num":0}').join()}]]`, Buffer.from('x')],
    'an attachment for a name': ['451-[{"_placeholder":true,"num":0},{}]', Buffer.from('x')],
    'a number for a name': ['42[5,{}]'],
    'a name of the parser': ['42["__proto__",{}]'],
    'arrays in arrays': [`42["join:cafe",${'['.repeat(30_000)}${']'.repeat(30_000)}]`]
  }
  for (const [what, all] of Object.entries(packets)) {
    const client = await upgrade(t, url, { token })
    for (const packet of all) client.send({ opcode: typeof packet === 'string' ? TEXT : BINARY, payload: packet })
    await until(`${what} is answered`, () => client.isOver() || /42\["error",\{"code":"CHAT_(VALIDATION|UNKNOWN_EVENT)"/.test(client.answer()))
    client.socket.destroy()
    await sound(t, what)
  }
})

t.test('a connection that never says who it is, or says it twice, or goes elsewhere', async t => {
  for (const [what, packets] of Object.entries({
    'an event before the connection': ['42["join:cafe",{}]'],
    'an ack before it': ['430[]'],
    'another namespace': ['40/admin,{}'],
    'a namespace like a prototype': ['40/__proto__,{}'],
    'a payload that is no object': ['40"x"'],
    'an id of 400 digits': [`40${JSON.stringify({ token })}`, `42${'9'.repeat(400)}["join:cafe",{}]`]
  })) {
    const client = await upgrade(t, url)
    packets.forEach(client.say)
    client.send({ opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]) })
    await client.over(what)
    await sound(t, what)
  }
  const sockets = async () => Number(/^chat_connections(?:\{.*\})? (\S+)$/m.exec(await (await fetch(`${url}/metrics`)).text())![1])
  await until('the others have gone', async () => await sockets() === 1)
  const greedy = await upgrade(t, url)
  greedy.sendAll(Array.from({ length: 50 }, () => ({ opcode: TEXT, payload: `40${JSON.stringify({ token, cafeId })}` })))
  await greedy.over('who connects fifty times on one line')
  t.ok(greedy.answer().split('42["connected"').length <= 2, 'one socket at most')
  await until('and it leaves nothing', async () => await sockets() === 1)
  const late = await upgrade(t, url, { token })
  late.say(`40${JSON.stringify({ token })}`)
  await late.over('a second connection')
  const again = await upgrade(t, url)
  again.say('40{"token":"x"}')
  await until('it is refused', () => again.answer().includes('44{'))
  again.say(`40${JSON.stringify({ token })}`)
  await until('who was refused may try again on the same line', () => again.answer().includes('42["connected"'))
  again.say('41')
  again.say(`40${JSON.stringify({ token })}`)
  await until('and who has left may come back', () => again.answer().split('42["connected"').length === 3)
  again.socket.destroy()
  await sound(t, 'connections on connections')
})

t.test('engine.io: handshakes and polling', async t => {
  const get = (query: string) => talk(t, url, `GET /socket.io/?${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  const wrong = ['', 'EIO=4', 'EIO=4&transport=constructor', 'EIO=4&transport=__proto__', 'EIO=4&transport=toString', 'EIO=4&transport=webtransport', 'EIO=3&transport=polling', 'EIO=4&transport=polling&sid=__proto__', 'EIO=4&transport=polling&sid=constructor', 'EIO=4&transport=polling&sid=x&sid=y', 'EIO=4&transport=polling&sid=%00', 'EIO=4&transport=polling&transport=websocket', 'EIO=4&transport[]=polling']
  for (const query of wrong) {
    t.match(await get(query), /^HTTP\/1\.1 (400|403) /, query)
    await alive()
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'TRACE', 'OPTIONS']) {
    const answer = await talk(t, url, `${method} /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 (204|400|405) /, method)
  }
  const bodies: Record<string, string> = {
    'a packet that is none': 'zzz',
    'packets without an end': `4${'\u001e4'.repeat(20_000)}`,
    'a binary packet that is no base64': 'b****',
    'old framing': '99999999999:4',
    'the limit and more': `4${'x'.repeat(70_000)}`
  }
  for (const [what, body] of Object.entries(bodies)) {
    const sid = /"sid":"([^"]+)"/.exec(await get('EIO=4&transport=polling'))![1]
    await talk(t, url, `POST /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
    await sound(t, what)
  }
  const sid = /"sid":"([^"]+)"/.exec(await get('EIO=4&transport=polling'))![1]
  const polls = await Promise.all(['a', 'b', 'c'].map(() => get(`EIO=4&transport=polling&sid=${sid}`)))
  t.ok(polls.some(answer => /^HTTP\/1\.1 400 /.test(answer)), 'two polls at once')
  await sound(t, 'two polls at once')
})

t.test('HTTP that is none, or too much of it', async t => {
  const path = '/api/cafes'
  const long = 'x'.repeat(20_000)
  const attacks: Record<string, [bytes: string, ...statuses: number[]]> = {
    'no HTTP': ['hello\r\n\r\n', 400],
    'HTTP/0.9': ['GET /\r\n\r\n', 200, 400],
    'HTTP/9.9': ['GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400, 505],
    'HTTP/2 at once': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    TLS: ['\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc', 400],
    'no host': [`GET ${path} HTTP/1.1\r\n\r\n`, 400, 401],
    'a header without an end': [`GET ${path} HTTP/1.1\r\nHost: x\r\nX-A: ${long}\r\n\r\n`, 431],
    'headers without an end': [`GET ${path} HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 5000 }, (_, index) => `X-${index}: 1`).join('\r\n')}\r\n\r\n`, 431],
    'headers that ws once fell over': [`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${Array.from({ length: 1900 }, (_, index) => `${index}:`).join('\r\n')}\r\n\r\n`, 400, 431],
    'a URL without an end': [`GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`, 400, 414, 431],
    'two lengths': [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}\r\n`, 400],
    'a length and pieces': [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    'pieces by another name': [`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400, 401],
    'a negative length': [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`, 400],
    'a length that wraps around': [`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\n`, 400],
    'a piece whose length wraps around': ['POST /api/auth/guest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}', 400],
    'a line that ends early': [`GET ${path} HTTP/1.1\nHost: x\n\n`, 400, 401],
    'a header that goes on': [`GET ${path} HTTP/1.1\r\nHost: x\r\nX-A: a\r\n b\r\n\r\n`, 400, 401],
    'a blank before the colon': [`GET ${path} HTTP/1.1\r\nHost : x\r\n\r\n`, 400],
    'NUL in a header': [`GET ${path} HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n`, 400],
    'an expectation': ['POST /api/auth/guest HTTP/1.1\r\nHost: x\r\nExpect: the-moon\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', 417],
    'a tunnel': ['CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n', 0, 400, 404, 405],
    'a trace': [`TRACE ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 404],
    'a query': [`QUERY ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 400, 404],
    'another method': [`BREW ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, 400, 404],
    'another protocol': ['GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n', 0, 200, 400, 426],
    'a version of the route': [`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept-Version: ${'*'.repeat(1000)}\r\nConnection: close\r\n\r\n`, 401, 404],
    'a way out of the path': ['GET /docs/schemas/../../package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, 404],
    'the same, encoded': ['GET /docs/schemas/..%2f..%2fpackage.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, 404],
    'a path with a parameter': ['GET /api/cafes;a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    'two slashes': ['GET //api//cafes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    'an upgrade elsewhere': [`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n`, 0, 400, 401]
  }
  for (const [what, [bytes, ...statuses]] of Object.entries(attacks)) {
    refusedBy(t, await talk(t, url, Buffer.from(bytes, 'latin1')), [...statuses], what)
    await alive()
  }
  await sound(t, 'all of that')
})

t.test('fastify: a type of media that once got a body past its schema', async t => {
  const post = (type: string, body: string, more = '') => talk(t, url, `POST /api/auth/guest HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
  for (const type of ['application/json\t;', 'application/json ;', 'application/json\t', 'APPLICATION/JSON', 'application/json;charset=utf-7', 'application/json; charset=utf-16', ' application/json', 'application/json,text/plain', 'application/json;;', 'text/json', 'application/json+x', '']) {
    refusedBy(t, await post(type, '{"username":5}'), [400, 415], JSON.stringify(type))
  }
  refusedBy(t, await post('application/json', '{"username":"Ann"}', 'Content-Encoding: gzip\r\n'), [415], 'compressed')
  const chunked = (size: number) => talk(t, url, `POST /api/auth/guest HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`)
  refusedBy(t, await chunked(70_000), [413], 'too large, in pieces')
  t.match(await post('application/json', '{"username":"Ann"}', 'X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: javascript\r\nForwarded: for=1.2.3.4\r\n'), /^HTTP\/1\.1 201 /, 'what a stranger says of proxies changes nothing')
  await sound(t, 'types of media')
})

t.test('preflights are answered everywhere, and say nothing of what there is', async t => {
  for (const path of ['/api/cafes', '/nowhere', '/health/live']) {
    const answer = await talk(t, url, `OPTIONS ${path} HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: DELETE\r\nConnection: close\r\n\r\n`)
    t.match(answer, /^HTTP\/1\.1 204 /, path)
    t.notMatch(answer, /^access-control-allow-origin/im, 'but another origin is not let in')
  }
})

t.test('after all of it', async t => {
  t.equal(server.child.exitCode, null)
  t.ok(witness.connected)
  t.equal(heardAll(witness).filter(([name]) => name === 'error').length, 0)
  t.notMatch(server.logs(), /"level":(50|60)/)
  const grown = await memory() - atFirst
  t.ok(grown < MOST_MEMORY_GROWTH, `${Math.round(grown / 1024 / 1024)} MB more`)
})

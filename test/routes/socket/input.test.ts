import t, { type Test } from 'tap'
import type { ClientEvents } from '../../../schemas/events.ts'
import { listen } from '../../support/build.ts'
import { type Client, ask, emit, heard, heardAll, once, refused, until } from '../../support/sockets.ts'
import { checkLog } from '../../stores/postgres/cast.ts'
import { enter, found, type Node, visit, wait } from './cast.ts'

// Every wrong event is to be answered, also those without an ack.
const app = await listen(t, { CHAT_LIMITS: 'off', SOCKET_MAX_ERRORS: '100000' })
const LIMIT = 65_536
const UNKNOWN = '00000000-0000-4000-8000-000000000000'
const invalid = { code: 'CHAT_VALIDATION' }

/** Emits what the types forbid. */
const shout = (socket: Client, event: string, ...args: unknown[]) => (socket as unknown as { emit: (event: string, ...args: unknown[]) => void }).emit(event, ...args)

/** The next `error` event after `act`. */
async function errorAfter (socket: Client, act: () => unknown) {
  const error = once(socket, 'error')
  act()
  return error
}

/** The node answers, and what it stored is whole. */
async function sound (t: Test, app: Node, cafeId: string, stored: number) {
  const { socket } = await visit(t, app, 'witness', cafeId)
  t.equal(heard(socket, 'message:history')[0]!.messages.length, stored, 'nothing more is stored than what was acked')
  await checkLog(t, app.pg.pool)
}

t.test('payloads', async t => {
  const { id: cafeId } = await found(app)
  const { socket } = await visit(t, app, 'ann', cafeId)
  const right: Record<keyof ClientEvents, Record<string, unknown>> = {
    'auth:refresh': { token: 'x' },
    'join:cafe': { cafeId },
    'leave:cafe': { cafeId },
    'message:send': { cafeId, content: 'x' },
    'message:edit': { messageId: UNKNOWN, content: 'x' },
    'message:delete': { messageId: UNKNOWN },
    'typing:start': { cafeId },
    'typing:stop': { cafeId },
    'presence:update': { status: 'away' }
  }

  for (const [event, payload] of Object.entries(right)) {
    const field = Object.keys(payload)[0]!
    const wrong: Array<[unknown[], object?]> = [
      [[]],
      [[undefined]],
      [[null]],
      [[[]]],
      [[[payload]]],
      [['text']],
      [[5]],
      [[true]],
      [[{}], { field, rule: 'required' }],
      [[{ ...payload, more: 1 }], { field: 'more', rule: 'additionalProperties' }],
      [[JSON.parse(`{ "__proto__": { "x": 1 }, ${JSON.stringify(payload).slice(1)}`)], { field: '__proto__', rule: 'additionalProperties' }],
      [[{ ...payload, constructor: { prototype: {} } }], { field: 'constructor', rule: 'additionalProperties' }],
      [[{ ...payload, [field]: null }], { field }],
      [[{ ...payload, [field]: 5 }], { field }],
      [[{ ...payload, [field]: ['x'] }], { field }],
      [[{ ...payload, [field]: { x: 1 } }], { field }],
      [[{ ...payload, [field]: '' }], { field }],
      [[{ ...payload, [field]: Buffer.from('x') }], { field }],
      [[Buffer.from('x')]],
      [[payload, {}]],
      [[payload, 'ack']],
      [[payload, payload, payload]]
    ]
    for (const [args, detail] of wrong) {
      const note = `${event} ${JSON.stringify(args)}`
      t.match(await refused(socket, event, ...args), detail === undefined ? invalid : { ...invalid, details: [detail] }, note)
      t.match(await errorAfter(socket, () => shout(socket, event, ...args)), invalid, `${note} without ack`)
    }
  }
  t.ok(socket.connected)
  await sound(t, app, cafeId, 0)
})

t.test('ids', async t => {
  const { id: cafeId } = await found(app)
  const { socket } = await visit(t, app, 'ann', cafeId)
  for (const id of ['corner', cafeId.toUpperCase(), `${cafeId} `, `{${cafeId}}`, cafeId.replaceAll('-', ''), `${cafeId}\n`, `urn:uuid:${cafeId}`]) {
    for (const event of ['join:cafe', 'leave:cafe', 'typing:start', 'typing:stop']) {
      t.match(await refused(socket, event, { cafeId: id }), { ...invalid, details: [{ field: 'cafeId', rule: 'format' }] }, `${event} ${id}`)
    }
    t.match(await refused(socket, 'message:send', { cafeId: id, content: 'x' }), { ...invalid, details: [{ field: 'cafeId', rule: 'format' }] })
    t.match(await refused(socket, 'message:delete', { messageId: id }), { ...invalid, details: [{ field: 'messageId', rule: 'format' }] })
  }
  t.match(await refused(socket, 'join:cafe', { cafeId: UNKNOWN }), { code: 'CHAT_CAFE_NOT_FOUND' })
  t.match(await refused(socket, 'message:delete', { messageId: UNKNOWN }), { code: 'CHAT_MESSAGE_NOT_FOUND' })
  for (const clientId of ['', 'x'.repeat(65), 'a\u0000b', 'a\nb', '\ud800', 5, null]) {
    t.match(await refused(socket, 'message:send', { cafeId, content: 'x', clientId }), { ...invalid, details: [{ field: 'clientId' }] }, `clientId ${JSON.stringify(clientId)}`)
  }
  for (const since of [-1, 1.5, '1', null, 2 ** 53]) {
    t.match(await refused(socket, 'join:cafe', { cafeId, since }), { ...invalid, details: [{ field: 'since' }] }, `since ${since}`)
  }
  for (const status of ['offline', 'Online', 'constructor', '']) {
    t.match(await refused(socket, 'presence:update', { status }), { ...invalid, details: [{ field: 'status', rule: 'enum' }] }, `status ${status}`)
  }
  await sound(t, app, cafeId, 0)
})

t.test('words beside a status', async t => {
  const { socket } = await enter(t, app, 'ann')
  const { socket: other, user } = await enter(t, app, 'bob')
  const wrong: Array<[Record<string, unknown>, object]> = [
    [{ text: 'x'.repeat(101) }, { field: 'text', rule: 'maxLength' }],
    [{ text: '☕'.repeat(101) }, { field: 'text', rule: 'maxLength' }],
    [{ text: 'a\u0000b' }, { field: 'text', rule: 'pattern' }],
    [{ text: 'two\nlines' }, { field: 'text', rule: 'pattern' }],
    [{ text: '\u001b[31mred' }, { field: 'text', rule: 'pattern' }],
    [{ text: 'half \ud83e' }, { field: 'text' }],
    [{ text: 5 }, { field: 'text', rule: 'type' }],
    [{ text: null }, { field: 'text', rule: 'type' }],
    [{ textForMs: 60_000 }, { field: 'text', rule: 'required' }],
    [{ text: 'x', textForMs: 999 }, { field: 'textForMs', rule: 'minimum' }],
    [{ text: 'x', textForMs: 31 * 86_400_000 }, { field: 'textForMs', rule: 'maximum' }],
    [{ text: 'x', textForMs: 1500.5 }, { field: 'textForMs', rule: 'type' }]
  ]
  for (const [words, detail] of wrong) {
    t.match(await refused(socket, 'presence:update', { status: 'busy', ...words }), { ...invalid, details: [detail] }, JSON.stringify(words).slice(0, 60))
  }
  t.same(await ask(socket, 'presence:update', { status: 'away' }), { status: 'away' }, 'nothing of it was kept')
  for (const text of ['☕'.repeat(100), '🥐'.repeat(100), 'مشغول', '\u202eleft', '<b>busy</b>']) {
    t.match(await ask(other, 'presence:update', { status: 'busy', text }), { status: 'busy', text }, text.slice(0, 20))
  }
  t.match(await ask(other, 'presence:update', { status: 'busy', text: '' }), { status: 'busy' }, `an empty text takes that of ${user.username} away`)
})

t.test('content', async t => {
  const { id: cafeId } = await found(app)
  const { socket } = await visit(t, app, 'ann', cafeId)
  const wrong: Array<[string, string]> = [
    ['', 'blank'], ['   ', 'blank'], ['\n\t', 'blank'], ['\u00a0\u2003\u3000', 'blank'], ['\u200b\u200d\ufeff', 'blank'], ['\u3164', 'blank'],
    ['x'.repeat(501), 'maxLength'], ['🥐'.repeat(501), 'maxLength'], [' '.repeat(60_000), 'maxLength'],
    ['a\u0000b', 'characters'], ['\u0000', 'characters'], ['bell \u0007', 'characters'], ['\u001b[31mred', 'characters'], ['next \u0085 line', 'characters'], ['a\rb', 'characters'],
    ['half \ud83e', 'wellFormed'], ['\udd50 half', 'wellFormed'], ['\udd50\ud83e', 'wellFormed']
  ]
  for (const [content, rule] of wrong) {
    t.match(await refused(socket, 'message:send', { cafeId, content }), { code: 'CHAT_CONTENT_INVALID', details: [{ field: 'content', rule }] }, `${rule}: ${JSON.stringify(content).slice(0, 40)}`)
  }
  t.match(await errorAfter(socket, () => shout(socket, 'message:send', { cafeId, content: '' })), { code: 'CHAT_CONTENT_INVALID' }, 'without ack')

  const right = ['x'.repeat(500), '🥐'.repeat(500), 'two\nlines\tand a tab', '👩‍👩‍👧‍👦', 'مرحبا بكم', '\u202eright to left', '<b>&amp;</b>', "'; DROP TABLE messages; --", '\\u0000', '$1', 'é']
  for (const content of right) {
    t.equal((await ask(socket, 'message:send', { cafeId, content })).message.content, content, JSON.stringify(content).slice(0, 40))
  }
  t.same(heard(socket, 'message:new').map(({ message }) => message.content), right, 'as it was sent, to the last sign')
  await sound(t, app, cafeId, right.length)
})

t.test('events and acks', async t => {
  const { id: cafeId } = await found(app)
  const { socket } = await visit(t, app, 'ann', cafeId)
  const unknown = { code: 'CHAT_UNKNOWN_EVENT' }
  for (const event of ['message:edit!', '', 'join:café', 'constructor', '__proto__', 'toString', 'error', 'connection', 'message', 'x'.repeat(10_000)]) {
    t.match(await refused(socket, event, {}), unknown, `${event.slice(0, 20)} with ack`)
    t.match(await errorAfter(socket, () => shout(socket, event, {})), unknown, `${event.slice(0, 20)} without`)
  }
  t.match(await errorAfter(socket, () => socket.io.engine.write('2[5,{}]')), unknown, 'an event with a number for a name')

  t.match(await errorAfter(socket, () => shout(socket, 'message:send', { cafeId, content: 'not sent' }, 'ack')), { ...invalid, details: [{ field: 'ack', rule: 'type' }] }, 'an ack that is a string')
  t.match(await errorAfter(socket, () => shout(socket, 'message:send', { cafeId, content: 'not sent' }, 0)), invalid, 'an ack that is a number')
  t.match(await refused(socket, 'message:send', { cafeId, content: 'not sent' }, 'more'), invalid, 'more between payload and ack')
  shout(socket, 'message:send', { cafeId, content: 'without ack' })
  shout(socket, 'message:send', { cafeId, content: 'null for an ack' }, null)
  t.match(await ask(socket, 'message:send', { cafeId, content: 'with ack' }), { message: { seq: 3 } })
  t.match(await emit(socket, 'message:send', { cafeId, content: 'null before the ack' }, null), { ok: true })
  t.same(heard(socket, 'message:new').map(({ message }) => message.content), ['without ack', 'null for an ack', 'with ack', 'null before the ack'])
  await sound(t, app, cafeId, 4)
})

t.test('packets that no client of ours would send', async t => {
  const app = await listen(t, { SOCKET_MAX_PAYLOAD: '1000000' })
  const { id: cafeId } = await found(app)
  const witness = await visit(t, app, 'witness', cafeId)
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)

  const { socket } = await enter(t, app, 'ann')
  t.match(await errorAfter(socket, () => socket.io.engine.write(`2["join:cafe",${deep}]`)), invalid, '200,000 nested arrays')
  t.match(await errorAfter(socket, () => socket.io.engine.write(`2["join:cafe",{"cafeId":${deep}}]`)), invalid, 'in a field')
  const crowd = JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`field${n}`, n])))
  t.match(await errorAfter(socket, () => socket.io.engine.write(`2["join:cafe",${crowd}]`)), invalid, '50,000 fields')

  // Packets that break the protocol end their connection, and nothing else.
  const broken = [
    '2{"no":"array"}', '2[', '9', '2["connect"]', '2["disconnect"]', '51-["join:cafe",{"_placeholder":true,"num":7}]\u0000', '5["join:cafe"]',
    '599999999999-["join:cafe"]', '1', '3["ack of nothing"]', '3999["x"]', '0/admin,{}', '4{}'
  ]
  for (const packet of broken) {
    const { socket } = await enter(t, app, 'mallory')
    socket.io.engine.write(packet)
    socket.io.engine.write('2["join:cafe"]')
    await wait(20)
    t.ok(witness.socket.connected, packet)
  }
  const { socket: binary } = await enter(t, app, 'mallory')
  binary.io.engine.write(`51-["join:cafe",${deep}]`)
  binary.io.engine.write(Buffer.from('x') as never)
  await until('a binary packet nested so deep ends its connection', () => binary.disconnected)

  t.match(await ask(witness.socket, 'message:send', { cafeId, content: 'all is well' }), { message: { seq: 1 } })
  t.equal(heardAll(witness.socket).filter(([name]) => name === 'error').length, 0)
  await sound(t, app, cafeId, 1)
})

t.test('a payload that is too large', async t => {
  const { id: cafeId } = await found(app)
  const witness = await visit(t, app, 'witness', cafeId)
  for (const transports of [['websocket'], ['polling']]) {
    const ann = await enter(t, app, 'ann')
    const socket = await ann.tab(app, { transports })
    await ask(socket, 'join:cafe', { cafeId })
    t.match(await refused(socket, 'message:send', { cafeId, content: 'x'.repeat(LIMIT - 200) }), { code: 'CHAT_CONTENT_INVALID' }, 'below the limit it is read')
    const gone = new Promise(resolve => { socket.once('disconnect', resolve) })
    shout(socket, 'message:send', { cafeId, content: 'x'.repeat(LIMIT) })
    t.match(await gone, /transport (close|error)/, `${transports}: above it the connection is closed`)
  }
  t.ok(witness.socket.connected)
  t.match(await ask(witness.socket, 'message:send', { cafeId, content: 'all is well' }), { message: { seq: 1 } })
  await sound(t, app, cafeId, 1)
})

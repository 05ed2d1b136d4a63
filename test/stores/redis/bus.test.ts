import t from 'tap'
import type { Notice } from '../../../services/ports.ts'
import { created, messageOf, newId, person, until, wait } from '../../contracts/cast.ts'
import { startRedis } from '../../support/servers.ts'
import { openState, seal } from './state.ts'

const typing = (isTyping = true): Notice => ({ kind: 'typing', user: person('ann'), isTyping })

async function openPair (t: Parameters<typeof openState>[0]) {
  const server = await startRedis(t)
  const [a, b] = [await openState(t, server.url, { nodeId: 'node-a' }), await openState(t, server.url, { nodeId: 'node-b' })]
  const heard: Array<{ cafeId: string, notice: Notice }> = []
  b.bus.onNotice((cafeId, notice) => heard.push({ cafeId, notice }))
  return { server, a, b, heard }
}

t.test('junk, foreign and malformed payloads are counted and dropped', async t => {
  const { a, b, heard } = await openPair(t)
  const cafe = newId()
  await b.bus.subscribe(cafe)
  const message = messageOf(cafe, 1, 1)
  const attendance = { cafeId: cafe, user: person('ann'), action: 'join', userCount: 1, version: 5 }
  const frame = (notice: unknown, node: unknown = 'node-x') => JSON.stringify({ node, notice })
  const junk = [
    '', 'x', '{', 'null', '[]', '5', '"text"', '{}', '\u0000\u0001', '['.repeat(20_000),
    frame(typing(), 5), frame(typing(), ''), frame(undefined), frame(null), frame({}), frame({ kind: 'unknown' }),
    frame({ kind: 'typing', user: {}, isTyping: true }), frame({ ...typing(), isTyping: 'yes' }),
    frame({ kind: 'changes' }), frame({ kind: 'changes', changes: {} }), frame({ kind: 'changes', changes: [{}] }),
    frame({ kind: 'changes', changes: [{ rev: '1', kind: 'created', message }] }),
    frame({ kind: 'changes', changes: [{ rev: 1, kind: 'edited', message }] }),
    frame({ kind: 'changes', changes: [{ rev: 1, kind: 'created', message: { ...message, seq: 0 } }] }),
    frame({ kind: 'changes', changes: [created({ ...message, cafeId: newId() })] }),
    frame({ kind: 'attendance', attendance: { ...attendance, userCount: -1 } }),
    frame({ kind: 'attendance', attendance: { ...attendance, action: 'sync' } }),
    frame({ kind: 'attendance', attendance: { ...attendance, cafeId: newId() } })
  ]
  const channel = `klatsch:cafe:${cafe}`
  for (const payload of junk) await a.clients.publisher.publish(channel, seal.wrap(channel, payload))
  // By strangers, who lack the key: one says what a node would say, one repeats what was said elsewhere.
  const forgeries = [...junk, Buffer.from([0xff, 0xfe, 0x00, 0x80]), frame(typing()), seal.wrap(`klatsch:cafe:${newId()}`, frame(typing()))]
  for (const payload of forgeries) await a.clients.publisher.publish(channel, payload)
  a.bus.publish(cafe, typing())
  await until(() => heard.length === 1)
  const dropped = () => [b.counted('dropped_frames', 'bus_junk'), b.counted('dropped_frames', 'bus_forged')]
  t.same(dropped(), [junk.length, forgeries.length])
  t.match(heard, [{ cafeId: cafe, notice: { kind: 'typing' } }])

  await b.clients.feed.subscribe('other:channel')
  await a.clients.publisher.publish('other:channel', 'x')
  await a.clients.publisher.publish(channel, seal.wrap(channel, frame({ ...typing(), mood: 'sunny' })))
  await until(() => heard.length === 2)
  t.same(dropped(), [junk.length, forgeries.length], 'neither is junk: another channel, a newer node')
})

t.test('a listener that throws harms nobody', async t => {
  const { a, b, heard } = await openPair(t)
  const cafe = newId()
  b.bus.onNotice(() => { throw new Error('mine') })
  b.bus.onNotice((cafeId, notice) => heard.push({ cafeId, notice }))
  await b.bus.subscribe(cafe)
  a.bus.publish(cafe, typing())
  await until(() => heard.length === 2)
  t.match(b.reports, [{ what: 'take a notice', error: { message: 'mine' } }])
})

t.test('an outage: publish neither throws nor waits, wishes made meanwhile take effect after it', async t => {
  const { server, a, b, heard } = await openPair(t)
  const [early, late, given] = [newId(), newId(), newId()]
  let reconnects = 0
  b.bus.onReconnect(() => { reconnects++ })
  await Promise.all([b.bus.subscribe(early), b.bus.subscribe(given)])
  server.kill()
  await until(() => a.clients.data.every(({ status }) => status !== 'ready') && b.clients.feed.status !== 'ready')
  const start = Date.now()
  for (let index = 0; index < 100; index++) a.bus.publish(early, typing())
  t.ok(Date.now() - start < 500)
  t.equal(b.bus.isLive(), false)
  await t.rejects(b.bus.subscribe(late), /away/)
  await t.rejects(b.bus.unsubscribe(given), /away/)
  await until(() => a.counted('dropped_frames', 'bus_publish') === 100)
  t.equal(reconnects, 0)

  await server.restart()
  await until(() => reconnects === 1)
  t.equal(b.bus.isLive(), true)
  const { publisher } = a.clients
  await until(() => publisher.status === 'ready' && a.clients.data.every(({ status }) => status === 'ready'))
  t.strictSame(await publisher.pubsub('NUMSUB', ...[early, late, given].map(cafe => `klatsch:cafe:${cafe}`)),
    [`klatsch:cafe:${early}`, 1, `klatsch:cafe:${late}`, 1, `klatsch:cafe:${given}`, 0], 'already when it is told')
  for (const cafe of [early, late, given]) a.bus.publish(cafe, typing())
  await until(() => heard.length === 2)
  t.strictSame(heard.map(({ cafeId }) => cafeId).sort(), [early, late].sort())
})

t.test('subscriber links that are cut come back', async t => {
  const { a, b, heard } = await openPair(t)
  const cafe = newId()
  let reconnects = 0
  b.bus.onReconnect(() => { reconnects++ })
  await b.bus.subscribe(cafe)
  for (let round = 1; round <= 3; round++) {
    await a.clients.publisher.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(() => reconnects === round)
    a.bus.publish(cafe, typing())
    await until(() => heard.length === round)
  }
  t.equal(reconnects, 3)
})

t.test('a paused Redis: subscribing rejects in time and takes effect when it goes on', async t => {
  const { server, a, b, heard } = await openPair(t)
  const [kept, dropped] = [newId(), newId()]
  await b.bus.subscribe(dropped)
  server.kill('SIGSTOP')
  const start = Date.now()
  await Promise.all([t.rejects(b.bus.subscribe(kept)), t.rejects(b.bus.unsubscribe(dropped))])
  t.ok(Date.now() - start < 2500)
  t.equal(b.bus.isLive(), false)
  let mended = 0
  b.bus.onReconnect(() => { mended++ })
  await wait(1200) // it tries again in vain
  t.equal(mended, 0)
  server.kill('SIGCONT')
  await until(async () => {
    a.bus.publish(kept, typing())
    a.bus.publish(dropped, typing())
    await wait(50)
    return heard.some(({ cafeId }) => cafeId === kept)
  })
  await b.bus.subscribe(kept)
  t.equal(b.bus.isLive(), true)
  t.ok(mended > 0, 'notices may have been lost')
  const before = heard.length
  a.bus.publish(dropped, typing())
  a.bus.publish(kept, typing())
  await until(() => heard.length > before)
  t.equal(heard.at(-1)?.cafeId, kept)
})

t.test('a channel that Redis refuses is tried again until it does not', async t => {
  const { a, b, heard } = await openPair(t)
  const cafe = newId()
  await a.clients.publisher.acl('SETUSER', 'default', 'resetchannels')
  await t.rejects(b.bus.subscribe(cafe), /NOPERM/)
  await a.clients.publisher.acl('SETUSER', 'default', 'allchannels')
  // A narrower permission ends the connections of those who have more: both kinds of return are fine here.
  await until(async () => {
    a.bus.publish(cafe, typing())
    await wait(50)
    return heard.length > 0
  })
  t.pass('heard')
})

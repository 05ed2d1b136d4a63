import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'
import { readTables } from './tables.ts'

t.setTimeout(100_000)

const MOST_CHANNELS = 24
const nobody = '00000000-0000-4000-8000-000000000000'

/** What strangers may say: bytes, JSON of another shape, and what only looks like ours. */
function poisons (cafeId: string): Array<string | Buffer> {
  const message = { id: nobody, cafeId, userId: nobody, username: 'stranger', content: 'forged', createdAt: '2025-11-19T10:00:00.000Z', deleted: false, seq: 1, rev: 1 }
  const notice = (notice: unknown, node: unknown = 'stranger') => JSON.stringify({ node, notice })
  const changes = (change: object) => notice({ kind: 'changes', changes: [change] })
  return [
    randomBytes(3), randomBytes(500), Buffer.from([0xc1, 0, 0xff]), '', '{', 'null', '[]', '0', '"text"', '['.repeat(10_000), JSON.stringify({ type: 4, close: true }),
    JSON.stringify({ uid: 'stranger', type: 5, opts: {} }), JSON.stringify(['stranger', null, null]), JSON.stringify({ __proto__: null, node: {}, notice: [] }),
    notice(null), notice({ kind: 'unknown' }), notice({ kind: 'changes' }), notice({ kind: 'changes', changes: [null] }), notice({ kind: 'typing', user: 1, isTyping: 'x' }),
    notice({ kind: 'changes', changes: [] }, 7),
    changes({ rev: -1, kind: 'created', message }), changes({ rev: 1e300, kind: 'created', message }), changes({ rev: 1.5, kind: 'created', message }),
    // Whole, but of a far future: nothing may wait for it.
    changes({ rev: 100_000, kind: 'created', message: { ...message, seq: 100_000, rev: 100_000 } }),
    changes({ rev: 2, kind: 'purged', message }), changes({ rev: 2, kind: 'created', message: { ...message, cafeId: nobody } }),
    changes({ rev: 2, kind: 'created', message: { ...message, content: 7 } }), changes({ rev: 2, kind: 'deleted', message: {} })
  ]
}

/** What a node would say next, letter by letter, but for the tag that strangers cannot make: to the nodes, and to the clients past them. */
function forgeries (cafeId: string, rev: number, seq: number): string[] {
  const message = { id: nobody, cafeId, userId: nobody, username: 'stranger', content: 'forged', createdAt: '2025-11-19T10:00:00.000Z', deleted: false, seq: seq + 1, rev: rev + 1 }
  const packet = { type: 2, data: ['message:new', { message, rev: rev + 1 }], nsp: '/' }
  const opts = { rooms: [`cafe:${cafeId}`], except: [], flags: {} }
  return [
    JSON.stringify({ node: 'stranger', notice: { kind: 'changes', changes: [{ rev: rev + 1, kind: 'created', message }] } }),
    JSON.stringify({ uid: 'stranger', nsp: '/', type: 3, data: { packet, opts } }),
    JSON.stringify(['stranger', packet, opts])
  ]
}

t.test('strangers publish on every channel of the nodes', async t => {
  const stage = await setUp(t)
  const stranger = new Redis(stage.redis.url)
  t.teardown(() => stranger.disconnect())
  let published = 0
  const verdict = await run(t, stage, async () => {
    const plain = await stranger.call('PUBSUB', 'CHANNELS', '*') as string[]
    const sharded = await stranger.call('PUBSUB', 'SHARDCHANNELS', '*') as string[]
    t.ok(stage.crowd.cafeIds.every(cafeId => plain.some(channel => channel.includes(cafeId))), 'each cafe has a channel')
    t.ok(sharded.length > 0, 'so have the rooms of Socket.IO')
    // Those of the adapter without sharding too.
    const classic = ['socket.io#/#', 'socket.io-request#/#', 'socket.io-response#/#', 'socket.io#/#x#']
    // With many cafes and clients there are more channels than there is time.
    const [open, rooms] = [[...plain.slice(0, MOST_CHANNELS), ...classic], sharded.slice(0, MOST_CHANNELS)]
    for (let round = 0; round < 2; round++) {
      for (const cafeId of stage.crowd.cafeIds.slice(0, 4)) {
        const { rev, seq } = (await readTables(stage.databaseUrl)).heads.find(head => head.cafe_id === cafeId)!
        for (const poison of [...poisons(cafeId), ...forgeries(cafeId, rev, seq)]) {
          await Promise.all([...open.map(channel => stranger.publish(channel, poison)), ...rooms.map(channel => stranger.spublish(channel, poison))])
          published += open.length + rooms.length
        }
      }
      await delay(200)
    }
  })
  t.comment(`${published} frames of strangers`)
  t.ok(published > 1000)
  hold(t, verdict)
  inTime(t, verdict, 'ackMax', 1000)
})

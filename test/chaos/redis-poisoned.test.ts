import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t from 'tap'
import { hold, inTime, run, setUp } from './stage.ts'

t.setTimeout(100_000)

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
    for (let round = 0; round < 2; round++) {
      for (const cafeId of stage.crowd.cafeIds) {
        for (const poison of poisons(cafeId)) {
          for (const channel of [...plain, ...classic]) await stranger.publish(channel, poison)
          for (const channel of sharded) await stranger.spublish(channel, poison)
          published += plain.length + classic.length + sharded.length
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

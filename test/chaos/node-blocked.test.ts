import { setTimeout as delay } from 'node:timers/promises'
import { io } from 'socket.io-client'
import t from 'tap'
import { guest, within } from './crowd.ts'
import { size } from './sizes.ts'
import { clean, run, setUp } from './stage.ts'

t.setTimeout(120_000)

/** On SIGWINCH the event loop gets a turn only every half second, so many times. */
const BLOCK_MS = 500
const BLOCKS = 12
const RECOVERY_MS = 2000
const script = `process.on('SIGWINCH', () => {
  let blocks = ${BLOCKS}
  setImmediate(function block () {
    const end = Date.now() + ${BLOCK_MS}
    while (Date.now() < end);
    if (--blocks > 0) setTimeout(block, 1)
  })
})`
const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`, PRESSURE_DELAY: '200' }

t.test('a node computes half a second at a time and does nothing else', async t => {
  const stage = await setUp(t, { env: (_, index) => index === 0 ? env : {} })
  const [node] = stage.nodes
  const [cafeId] = stage.crowd.cafeIds
  const { token } = await guest(node!, 'newcomer')
  const newcomer = io(node!.url, { forceNew: true, transports: ['websocket'], auth: { token } })
  t.teardown(() => newcomer.disconnect())
  await within('somebody new is connected', () => newcomer.connected)
  const refused = { joins: 0, requests: 0 }
  let [blockedUntil, recoveredMs] = [0, Infinity]

  const verdict = await run(t, stage, async () => {
    node!.kill('SIGWINCH')
    blockedUntil = Date.now() + BLOCKS * BLOCK_MS
    while (recoveredMs === Infinity && Date.now() < blockedUntil + 10_000) {
      const [join, page] = await Promise.all([
        newcomer.timeout(10_000).emitWithAck('join:cafe', { cafeId }) as Promise<{ ok: boolean, error?: { code: string, retryAfterMs: number } }>,
        fetch(`${node!.url}/api/cafes`, { headers: { authorization: `Bearer ${token}` } })
      ])
      if (!join.ok) refused.joins++
      if (!page.ok) refused.requests++
      for (const code of [join.error?.code, page.ok ? undefined : (await page.json() as { code: string }).code]) t.ok(code === undefined || code === 'CHAT_UNAVAILABLE')
      if (join.ok) newcomer.emit('leave:cafe', { cafeId })
      if (join.ok && page.ok && Date.now() > blockedUntil) recoveredMs = Date.now() - blockedUntil
      await delay(50)
    }
  })
  newcomer.disconnect()
  t.comment(`${refused.joins} joins and ${refused.requests} requests refused meanwhile; both are taken again ${recoveredMs} ms after the last block`)
  t.ok(refused.joins > 0 && refused.requests > 0, 'it takes no more on')
  t.ok(recoveredMs <= RECOVERY_MS + size.patienceMs, 'but soon again')
  clean(t, verdict)
  const waiting = stage.crowd.records.attempts.filter(({ sentAt }) => sentAt < blockedUntil)
  const lastMs = Math.max(...waiting.map(({ ackedAt }) => ackedAt! - blockedUntil))
  t.ok(lastMs <= RECOVERY_MS + size.patienceMs, `what was sent meanwhile is acked at most ${lastMs} ms after the last block`)
})

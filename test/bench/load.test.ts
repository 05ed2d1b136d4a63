import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startLiteralServer } from '../../bench/contestants.ts'
import type { Plan } from '../../bench/load/plan.ts'
import { startLoad } from '../../bench/load/start.ts'
import { seatOne } from '../../bench/rounds.ts'
import { percentile, show, summarise } from '../../bench/figures.ts'
import { draw } from '../../bench/plot.ts'
import { listen } from '../support/build.ts'
import { projectRoot, scriptArgs } from '../support/paths.ts'
import { guest, openCafe } from '../support/sockets.ts'
import { startWires } from '../support/wires.ts'

t.setTimeout(110_000)

/** A small crowd on a real node: three members of one cafe, two of whom send. */
async function setUp (t: Test, { lose = false, env = { CHAT_LIMITS: 'off' }, timedAt = 'sender' }: Pick<Plan, 'timedAt'> & { lose?: boolean, env?: Record<string, string> } = {}) {
  const app = await listen(t, env)
  const guests = await Promise.all(['ann', 'bob', 'cem'].map(name => guest(app, name)))
  const cafe = await openCafe(app, guests[0]!)
  const wires = await startWires(t, app.url)
  if (lose) wires.spoil('lose')
  const load = await startLoad(t, {
    urls: [lose ? wires.url : app.url],
    inFlight: 2,
    timedAt,
    ordered: true,
    acks: true,
    rooms: [{ cafeId: cafe.id, members: 3, senders: 2 }],
    auths: guests.map(({ token }) => ({ token }))
  })
  return { app, cafe, load }
}

t.test('closed loop: everybody gets what was sent, and it is counted', async t => {
  const { app, cafe, load } = await setUp(t)
  await load.talk()
  await delay(500)
  const { acks, deliveries } = await load.sample()
  t.ok(acks > 4 && deliveries > 4)
  const { sends, latencies } = await load.finish()
  t.equal((await load.sample()).deliveries, 3 * sends, 'three members')
  t.equal((await app.services.cafes.get(cafe.id)).seq, sends, 'as many as the log has')
  t.same(latencies, [], 'which only an open loop can tell')

  await load.talk()
  await delay(100)
  t.ok((await load.finish()).sends > sends, 'and once more')
})

t.test('open loop: as many as were asked for, each with its latency', async t => {
  const { load } = await setUp(t)
  await load.talk(100)
  await delay(1000)
  const { sends, latencies } = await load.finish()
  t.ok(sends > 60 && sends < 140, `${sends} sends`)
  t.equal(latencies.length, sends)
  t.ok(latencies.every(ms => ms > 0 && ms < 5000))
})

t.test('open loop, timed at the next client', async t => {
  const { load } = await setUp(t, { timedAt: 'neighbour' })
  await load.talk(50)
  await delay(500)
  const { sends, latencies } = await load.finish()
  t.ok(sends > 10)
  t.equal(latencies.length, sends, 'each once')
})

t.test('a server without acks and numbers: what comes is counted', async t => {
  const server = await startLiteralServer(t, { name: 'literal' })
  const load = await seatOne(t, server, { rooms: 2, members: 3, senders: 2, inFlight: 2 })
  await load.talk()
  await delay(500)
  const { sends } = await load.finish()
  const { acks, deliveries } = await load.sample()
  t.ok(sends > 10)
  t.equal(acks, sends, 'the copy of its sender stands for the ack')
  t.equal(deliveries, 3 * sends)
})

t.test('a client that misses something spoils the figures: there are none', async t => {
  const { load } = await setUp(t, { lose: true })
  await load.talk()
  await delay(500)
  await t.rejects(load.finish(), /clients did not get exactly what was sent/)
})

t.test('a send that is refused spoils the figures, and is not waited for', async t => {
  const { load } = await setUp(t, { env: { CHAT_USER_RATE: '3' } })
  const start = Date.now()
  await load.talk()
  await delay(500)
  await t.rejects(load.finish(), /sends of \d+ were refused/)
  t.ok(Date.now() - start < 10_000)
})

t.test('a server that is not there', async t => {
  const nowhere = { urls: ['http://127.0.0.1:1'], inFlight: 1, ordered: true, acks: true, rooms: [{ cafeId: 'x', members: 1, senders: 1 }], auths: [{}] }
  await t.rejects(startLoad(t, nowhere), /ECONNREFUSED/)
})

t.test('figures', async t => {
  t.same(summarise([3, 1, 2]), { median: 2, least: 1, most: 3 })
  t.same(summarise([4, 1, 2, 3]), { median: 2.5, least: 1, most: 4 })
  t.equal(show(summarise([1.234, 200])), '101 (1.23 to 200)')
  t.equal(percentile([5, 1, 3, 2, 4], 0.5), 3)
  t.equal(percentile([1, 2], 0.99), 2)
})

t.test('a chart', async t => {
  const points = [10, 100].flatMap(x => ['klatsch', 'bare'].map(series => ({ series, x, median: x, least: x / 2, most: 2 * x })))
  const svg = draw({ x: 'members', y: 'CPU', points })
  t.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  for (const text of ['members', 'CPU', 'klatsch', 'bare', '100']) t.match(svg, text)
})

t.test('npm run bench where it cannot work says so and measures nothing', async t => {
  const bench = (...args: string[]) => [process.execPath, ...scriptArgs('bench/main'), ...args]
  const nowhere = await mkdtemp(join(tmpdir(), 'klatsch-bench-'))
  t.teardown(() => rm(nowhere, { recursive: true }))
  const cases: Array<[command: string[], words: RegExp, env?: Record<string, string>]> = [
    [bench('--only', 'nothing'), /there are hot, latency, rates, many/],
    [bench('--rounds', '0'), /--rounds must be/],
    [bench('--fast'), /Unknown option/],
    [['sh', '-c', 'ulimit -n 600; exec "$@"', 'sh', ...bench('--only', 'hot')], /may have 600 open files .* need 4096/],
    [bench('--only', 'hot'), /redis-server/, { PATH: nowhere }]
  ]
  await Promise.all(cases.map(async ([[file, ...args], words, env]) => {
    const child = spawn(file!, args, { cwd: projectRoot, env: { ...process.env, ...env } })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', piece => { stdout += String(piece) })
    child.stderr.on('data', piece => { stderr += String(piece) })
    const code = await new Promise(resolve => { child.once('close', resolve) })
    t.equal(code, 1)
    t.match(stderr, words)
    t.equal(stdout, '')
  }))
})

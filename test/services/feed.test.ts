import t, { type Test } from 'tap'
import { loadConfig } from '../../plugins/config.ts'
import { createFeed } from '../../services/feed.ts'
import type { Appended, Change } from '../../services/ports.ts'
import { createMemoryState } from '../../stores/memory/index.ts'
import { setUp as setUpLog } from '../stores/postgres/cast.ts'
import { createBuses, createListener, createWitness, turn, wait } from './cast.ts'
import { until } from '../support/sockets.ts'

const committed = (appended: Appended): Change => {
  if (appended.outcome !== 'created') throw new Error(appended.outcome)
  return { rev: appended.message.rev, kind: 'created', message: appended.message }
}

/** A feed over a real log, with a bus that says only what the test wants. */
async function setUp (t: Test, env: Record<string, string> = {}, pool = {}) {
  const store = await setUpLog(t, { pool })
  const { buses: [here, there] } = createBuses('here', 'there')
  const { broadcast, of } = createListener()
  const witness = createWitness()
  const config = loadConfig({ CHAT_FEED_CHECK: '60000', ...env })
  const { recent } = createMemoryState({ config, now: Date.now })
  const time = { now: 0 }
  let live = true
  const feed = createFeed({ log: store.log, recent, bus: { ...here!, isLive: () => live }, broadcast, ...witness }, config, () => time.now)
  t.teardown(feed.stop)
  const commit = async (content: string) => committed(await store.log.append(store.draft(content)))
  /** What another node says. */
  const hear = (...changes: Change[]) => there!.publish(store.cafe.id, { kind: 'changes', changes })
  const seqs = () => of('message:new').map(({ payload }) => payload.message.seq)
  const deafen = () => { live = false }
  return { ...store, ...witness, feed, recent, commit, hear, deafen, of, seqs, time }
}

t.test('changes that come in order go on at once', async t => {
  const { feed, cafe, commit, hear, seqs, counted } = await setUp(t)
  await feed.open(cafe.id)
  for (const content of ['1', '2', '3']) hear(await commit(content))
  t.same(seqs(), [1, 2, 3])
  t.same(counted, [])
})

t.test('late, doubled and disordered changes go on once and in order, without asking the log', async t => {
  const { feed, cafe, commit, hear, seqs, counted } = await setUp(t)
  await feed.open(cafe.id)
  const [one, two, three] = [await commit('1'), await commit('2'), await commit('3')]
  hear(three!)
  hear(two!, three!)
  t.same(seqs(), [], 'held')
  hear(one!, one!)
  hear(two!)
  t.same(seqs(), [1, 2, 3])
  await wait(80)
  t.same(counted, [])
})

t.test('a lost change is read from the log, soon and once', async t => {
  const { feed, cafe, commit, hear, seqs, counted } = await setUp(t)
  await feed.open(cafe.id)
  await commit('lost')
  await commit('lost too')
  hear(await commit('heard'))
  t.same(seqs(), [], 'a moment is given to what may be late')
  await until('repaired', () => seqs().length === 3)
  t.same(seqs(), [1, 2, 3])
  t.same(counted, ['feed_gaps', 'feed_repairs', 'feed_repairs', 'feed_repairs'])
})

t.test('a commit of this node waits a moment for those of others before it', async t => {
  const { feed, cafe, commit, hear, seqs, counted } = await setUp(t)
  await feed.open(cafe.id)
  const [theirs, ours] = [await commit('of another node'), await commit('ours')]
  feed.publish(cafe.id, [ours!])
  t.same(seqs(), [])
  hear(theirs!)
  t.same(seqs(), [1, 2])
  await wait(80)
  t.same(counted, [], 'and the log is not asked')

  await commit('lost')
  feed.publish(cafe.id, [await commit('ours')])
  await until('repaired', () => seqs().length === 4)
  t.same(seqs(), [1, 2, 3, 4])
})

t.test('while other nodes cannot be heard it waits for nothing', async t => {
  const { feed, cafe, commit, seqs, deafen, counted } = await setUp(t)
  await feed.open(cafe.id)
  await commit('of another node')
  deafen()
  feed.publish(cafe.id, [await commit('ours')])
  t.same(counted, ['feed_gaps'], 'the log is asked at once')
  await until('repaired', () => seqs().length === 2)
  t.same(seqs(), [1, 2])
})

t.test('a lost last change is found without a next one', async t => {
  const { feed, cafe, commit, seqs } = await setUp(t, { CHAT_FEED_CHECK: '100' })
  await feed.open(cafe.id)
  await commit('lost')
  await until('found', () => seqs().length === 1)
})

t.test('more changes than one read gives', { timeout: 60_000 }, async t => {
  const { feed, cafe, log, draft, seqs } = await setUp(t)
  const open = await feed.open(cafe.id)
  await Promise.all(Array.from({ length: 900 }, (_, index) => log.append(draft(`${index}`))))
  await feed.check([open])
  t.same(seqs(), Array.from({ length: 900 }, (_, index) => index + 1))
})

t.test('whatever the bus does to them, all changes go on exactly once and in order', { timeout: 60_000 }, async t => {
  const { feed, cafe, commit, log, ann, hear, of, seqs } = await setUp(t, { CHAT_FEED_CHECK: '200' })
  await feed.open(cafe.id)
  // A small generator with a fixed seed: the same run each time.
  let seed = 42
  const random = () => (seed = Math.imul(seed, 1664525) + 1013904223 >>> 0) / 2 ** 32
  const late: Change[] = []
  for (let index = 0; index < 150; index++) {
    let change = await commit(`${index}`)
    if (random() < 0.1) {
      const removed = await log.remove(change.message.id, { userId: ann.id, anyone: false })
      if (removed.outcome === 'deleted') {
        late.push(change)
        change = removed.change
      }
    }
    const fate = random()
    if (fate < 0.3) continue // lost
    if (fate < 0.5) late.push(change)
    else hear(change)
    if (fate > 0.9) hear(change)
    if (late.length > 0 && random() < 0.5) hear(...late.splice(Math.floor(random() * late.length), 1))
  }
  const { rev } = (await log.heads([cafe.id])).get(cafe.id)!
  const told = () => [...of('message:new').map(({ payload }) => payload.message), ...of('message:deleted').map(({ payload }) => payload)]
  await until('all told', () => told().length === rev, 10_000)
  await wait(300)
  t.equal(told().length, rev)
  t.same(seqs(), Array.from({ length: 150 }, (_, index) => index + 1))
})

t.test('a repair that fails is made up for by the next check', async t => {
  const { feed, cafe, commit, hear, seqs, warned, pool } = await setUp(t)
  const open = await feed.open(cafe.id)
  await commit('lost')
  const last = await commit('heard')
  await pool.query('ALTER VIEW visible_messages RENAME TO hidden')
  hear(last)
  await until('it failed', () => warned.includes('feed repair'))
  await feed.check([open])
  t.same(seqs(), [])
  await pool.query('ALTER TABLE cafe_heads RENAME TO lost_heads')
  await feed.check([open])
  t.ok(warned.includes('feed check'))
  await pool.query('ALTER TABLE lost_heads RENAME TO cafe_heads')
  await pool.query('ALTER VIEW hidden RENAME TO visible_messages')
  await feed.check([open])
  t.same(seqs(), [1, 2])
})

t.test('a cafe opens once, from the recent messages where there are any, and catches up', async t => {
  const { feed, cafe, commit, recent, seqs } = await setUp(t)
  const first = await commit('1')
  await recent.apply(cafe.id, [first])
  await commit('2')
  const [one, other] = await Promise.all([feed.open(cafe.id), feed.open(cafe.id)])
  t.equal(one, other)
  t.equal(one.ring.rev, 1, 'what the list had')
  t.equal(one.verified, false)
  await until('compared with the log', () => one.verified)
  t.equal(one.ring.rev, 2)
  t.same(seqs(), [2])
})

t.test('what is committed while a cafe opens is not missed', async t => {
  const { feed, cafe, commit, hear, seqs } = await setUp(t)
  const opening = feed.open(cafe.id)
  const change = await commit('meanwhile')
  hear(change)
  const { ring } = await opening
  await until('known', () => ring.rev === 1)
  t.ok(seqs().length <= 1)
})

t.test('a cafe without members is closed after a while, one that is gone at once', async t => {
  const { feed, cafe, cafes, pool, time } = await setUp(t, { CHAT_FEED_CHECK: '100', CHAT_FEED_LINGER: '1000' })
  const other = await cafes.create('Gone')
  const open = await feed.open(cafe.id)
  await feed.open(other.id)
  await pool.query('DELETE FROM cafes WHERE id = $1', [other.id])
  await until('the one that is gone is closed', () => feed.openCafes().length === 1)
  feed.enter(open)
  time.now = 5000
  await wait(250)
  t.same(feed.openCafes(), [cafe.id], 'somebody is in it')
  feed.leave(cafe.id)
  await wait(150)
  t.same(feed.openCafes(), [cafe.id], 'it lingers')
  time.now = 7000
  await until('closed', () => feed.openCafes().length === 0)
  t.throws(() => feed.enter(open), { code: 'CHAT_UNAVAILABLE' }, 'who was about to enter opens it again')
  feed.leave(cafe.id)
  await t.rejects(feed.open(other.id), { code: 'CHAT_CAFE_NOT_FOUND' })
})

t.test('no more cafes are open than CHAT_FEED_MAX_OPEN', async t => {
  const { feed, cafe, cafes } = await setUp(t, { CHAT_FEED_MAX_OPEN: '1' })
  const other = await cafes.create('Other')
  await feed.open(cafe.id)
  const open = await feed.open(other.id)
  t.same(feed.openCafes(), [other.id], 'one that nobody is in makes room')
  feed.enter(open)
  await t.rejects(feed.open(cafe.id), { code: 'CHAT_LIMIT_REACHED' })
})

t.test('a change that nobody committed is dropped once the log was asked, and waits for nobody', async t => {
  const { feed, cafe, commit, hear, seqs, counted } = await setUp(t)
  await feed.open(cafe.id)
  const real = await commit('1')
  hear({ ...real, rev: 3, message: { ...real.message, id: cafe.id, seq: 3, rev: 3, content: 'forged' } })
  await until('the log was asked', () => counted.includes('dropped_frames feed_forged'))
  t.same(seqs(), [1])
  await commit('2')
  hear(await commit('3'))
  await until('repaired', () => seqs().length === 3)
  t.equal(counted.filter(name => name === 'dropped_frames feed_forged').length, 1, 'what is committed is not dropped')
})

t.test('early changes are not kept without a bound', async t => {
  const { feed, cafe, log, draft, hear, seqs } = await setUp(t)
  await feed.open(cafe.id)
  const all = (await Promise.all(Array.from({ length: 1000 }, (_, index) => log.append(draft(`${index}`))))).map(committed)
  all.push(committed(await log.append(draft('1001'))), committed(await log.append(draft('1002'))))
  hear(...all.slice(1))
  await turn()
  await until('the log has them', () => seqs().length === 1002)
  t.same(seqs(), all.map(({ message }) => message.seq))
})

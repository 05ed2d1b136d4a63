import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { within } from './crowd.ts'
import { countQueries, type Queries } from './queries.ts'
import { hold, run, setUp } from './stage.ts'

t.setTimeout(100_000)

/** What a client that is back asks for in a second thought would come by then. */
const AFTER_MS = 500

t.test('all clients lose their connections at once, and come back at once', async t => {
  let queries: Queries | undefined
  const stage = await setUp(t, {
    async env ({ DATABASE_URL: url }) {
      queries ??= await countQueries(t, url)
      // Cafes that nobody is in are soon forgotten: the node that all come to has none of them in memory.
      return { DATABASE_URL: queries.url, CHAT_FEED_LINGER: '100', CHAT_FEED_CHECK: '500' }
    }
  })
  const { crowd: { members, talk }, nodes, balancer } = stage
  const allAreBack = (times: number[]) => within('all are back', () => members.every(({ record, joined }, index) => joined && histories(record) > times[index]!), 20_000)
  const histories = ({ steps }: typeof members[number]['record']) => steps.filter(({ kind }) => kind === 'history').length
  const counts = () => members.map(({ record }) => histories(record))

  if (balancer === undefined) {
    // The other node stays empty.
    const before = counts()
    for (const member of members) member.move(0)
    await allAreBack(before)
  }
  await talk({ perSecond: 20, seconds: 2 })
  await delay(1000)

  const before = counts()
  const asked = queries!.count()
  const start = Date.now()
  if (balancer !== undefined) {
    balancer.kill()
    await delay(300)
    await balancer.restart()
  } else {
    stage.killed.add(nodes[0]!)
    nodes[0]!.kill('SIGKILL')
  }
  await allAreBack(before)
  const ms = Date.now() - start
  await delay(AFTER_MS)
  // Those included with which the nodes look into the database now and then.
  const each = (queries!.count() - asked) / members.length
  t.comment(`${members.length} clients were back after ${ms} ms, with ${each.toFixed(2)} statements to PostgreSQL each`)
  t.ok(each <= 1, `${each.toFixed(2)} statements each`)
  t.ok(asked > 0, 'statements are counted')

  hold(t, await run(t, stage, async () => {}))
})

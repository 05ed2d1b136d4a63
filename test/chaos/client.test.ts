import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { within } from './crowd.ts'
import { openPages } from './pages.ts'
import { size } from './sizes.ts'
import { setUp } from './stage.ts'
import { readTables } from './tables.ts'

t.setTimeout(280_000)

/** Pages are reloaded and connections cut as often: somewhere, all the time. */
const EVERY_MS = 200
/** There is talk for so long after all is whole again. */
const AFTER_MS = 2000
const QUIET_MS = 60_000

t.test('klatsch/client: a node is killed, connections are cut and pages reloaded in the middle of sending; nothing is lost, nothing twice', async t => {
  // Its clients are pages; there is nobody else.
  const stage = await setUp(t, { clients: 0 })
  const { nodes, databaseUrl, killed } = stage
  const { pages, said, say, change, judge } = await openPages(t, stage, { pages: size.clients, cafes: size.cafes })
  const any = () => pages[Math.floor(Math.random() * pages.length)]!
  const end = new AbortController()
  let reloads = 0
  let cuts = 0

  async function trouble () {
    while (!end.signal.aborted) {
      const [reloaded, cut] = [any(), any()]
      // In the middle of sending.
      for (let index = 0; index < 3; index++) say(reloaded)
      await delay(Math.random() * 20)
      reloaded.reload()
      reloads++
      say(cut)
      await delay(Math.random() * 10)
      cut.way.cut()
      cuts++
      await delay(EVERY_MS)
    }
  }

  async function talk () {
    const start = Date.now()
    const changing: Array<Promise<void>> = []
    for (let index = 0; !end.signal.aborted; index++) {
      const page = pages[index * 7 % pages.length]!
      if (index % 10 === 4) changing.push(change(page, true))
      else if (index % 10 === 9) changing.push(change(page, false))
      else say(page)
      await delay(start + index * 1000 / size.perSecond - Date.now())
    }
    await Promise.all(changing)
  }

  async function kill () {
    await delay(size.breakAfterMs)
    await stage.replace(1)
    await delay(Math.max(AFTER_MS, size.seconds * 1000 - size.breakAfterMs))
    end.abort()
  }

  await Promise.all([trouble(), talk(), kill()])
  const over = Date.now()
  await within('everything is sent', () => pages.every(({ unsent, client }) => unsent() === 0 && client.status.state === 'online'), QUIET_MS)
  await within('every page has it', async () => {
    const { heads } = await readTables(databaseUrl)
    const seqs = new Map(heads.map(head => [head.cafe_id, head.seq]))
    return pages.every(({ cafe }) => (cafe.messages.at(-1)?.seq ?? 0) === seqs.get(cafe.id))
  }, QUIET_MS)
  const quietMs = Date.now() - over
  await Promise.all(pages.map(async ({ cafe }) => { while (cafe.hasOlder) await cafe.loadOlder() }))
  // What would come twice has time to come.
  await delay(300)
  const verdict = judge(await readTables(databaseUrl))

  for (const { client } of pages) client.close()
  await Promise.all(nodes.filter(node => !killed.has(node)).map(node => node.stop()))
  const exits = await Promise.all(nodes.map(async node => killed.has(node) ? 'killed' : (await node.exited).code))
  t.comment(`${pages.length} pages, ${nodes.length} nodes, one killed; ${reloads} reloads, ${cuts} cuts; all was there ${quietMs} ms after the end`)
  t.comment(`sent ${verdict.attempted}, acked ${verdict.acked}, lost ${verdict.ackedLost + verdict.changesLost + verdict.lost}, doubled ${verdict.storedTwice + verdict.doubled}, out of order ${verdict.disordered}`)
  t.comment(`verdict ${JSON.stringify({ fault: basename(process.argv[1]!).replace(/\.test\.[jt]s$/, ''), ...verdict, repairP50: quietMs, repairP99: quietMs, exits })}`)

  t.ok(said.length > size.perSecond * size.seconds / 2, `${said.length} sends`)
  t.ok(reloads > 5 && cuts > 5)
  t.equal(verdict.acked, verdict.attempted, 'each was acked in the end')
  const { attempted, acked, ackMax, ...faults } = verdict
  t.strictSame(Object.entries(faults).filter(([, number]) => number !== 0), [])
  t.same(exits.filter(exit => exit !== 'killed' && exit !== 0), [])
})

import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startWires, type Wires } from '../support/wires.ts'
import { follow } from './checker.ts'
import { run, setUp } from './stage.ts'
import { readTables } from './tables.ts'

t.setTimeout(100_000)

const ways = [undefined, 'lose', 'double', 'swap'] as const

t.test('what happens on the wire to the messages of a client is what the checker finds in its list', async t => {
  let wires: Wires[] = []
  const stage = await setUp(t, {
    nodes: 1,
    cafes: 2,
    async doors (nodes) {
      wires = await Promise.all(ways.map(() => startWires(t, nodes[0]!.url)))
      // The mishaps know no polling.
      return { choices: 1, open: client => ({ url: wires[client % 4]!.url, options: { transports: ['websocket'], query: { client: String(client) } } }) }
    }
  })
  const verdict = await run(t, stage, async () => {
    ways.forEach((way, index) => wires[index]!.spoil(way))
    await delay(3000)
    for (const wire of wires) wire.spoil(undefined)
  }, { label: 'on purpose' })

  const tables = await readTables(stage.databaseUrl)
  const kinds = ['', 'lost', 'doubled', 'disordered'] as const
  const sum = (index: number) => [...wires[index]!.mishaps().values()].reduce((total, count) => total + count, 0)
  stage.crowd.records.members.forEach((member, client) => {
    const { lost, doubled, disordered, phantoms } = follow(member, tables)
    const count = wires[client % 4]!.mishaps().get(String(client)) ?? 0
    const none = { lost: 0, doubled: 0, disordered: 0, phantoms: 0 }
    t.same({ lost, doubled, disordered, phantoms }, client % 4 === 0 ? none : { ...none, [kinds[client % 4]!]: count }, `${member.name}: ${ways[client % 4] ?? 'nothing'} ${count}`)
  })
  for (const index of [1, 2, 3]) t.ok(sum(index) >= 3, `${ways[index]}: ${sum(index)}`)
  t.equal(sum(0), 0)
  t.match(verdict, { lost: sum(1), doubled: sum(2), disordered: sum(3), phantoms: 0, ackedLost: 0, storedTwice: 0, brokenLogs: 0, hung: 0 })
  t.equal(verdict.acked, verdict.attempted)
})

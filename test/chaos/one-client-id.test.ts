import pg from 'pg'
import t from 'tap'
import { within } from './crowd.ts'
import { clean, finish, setUp } from './stage.ts'
import { readTables } from './tables.ts'

t.setTimeout(100_000)

t.test('fifty sends of one clientId at once, over two nodes, by socket and REST', async t => {
  const stage = await setUp(t, { clients: 8 })
  const { nodes, crowd, databaseUrl } = stage
  // Members 0 and 1 are in the same cafe, on two nodes; the first has a tab on the other node too.
  const [ann, bob] = crowd.members
  const { cafeId } = ann!.record
  t.equal(bob!.record.cafeId, cafeId)
  const { token } = ann!.session
  const start = Date.now()
  const sent: Array<{ body: object, message: unknown }> = []
  for (let round = 0; round < 4; round++) {
    const attempt = crowd.begin(ann!, `said once, round ${round}`)
    const { content, clientId } = attempt
    const body = { content, clientId }
    const heardBefore = crowd.members.map(({ record }) => record.steps.length)
    const bySocket = async () => {
      const answer = await ann!.socket.timeout(5000).emitWithAck('message:send', { cafeId, ...body })
      if (answer.ok !== true) throw new Error(JSON.stringify(answer))
      return answer.data
    }
    const byRest = async (node: number) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const response = await fetch(`${nodes[node]!.url}/api/chat/messages/${cafeId}`, { method: 'POST', headers, body: JSON.stringify(body) })
      if (!response.ok) throw new Error(await response.text())
      return response.json()
    }
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => index % 3 === 0 ? bySocket() : byRest(index % 2)))
    Object.assign(attempt, { tries: answers.length, ackedAt: Date.now(), id: answers[0].message.id })
    sent.push({ body, message: answers[0].message })
    t.equal(answers.filter(({ duplicate }) => duplicate).length, 49, '49 are told that it was there')
    t.equal(new Set(answers.map(({ message }) => JSON.stringify(message))).size, 1, 'all get the same message')
    const inside = crowd.members.filter(({ record }) => record.cafeId === cafeId)
    await within('all have heard it', () => inside.every(({ record }) => record.steps.at(-1)!.rev === round + 1))
    await new Promise(resolve => { setTimeout(resolve, 200) })
    t.same(crowd.members.map(({ record }, index) => record.steps.length - heardBefore[index]!), crowd.members.map(member => inside.includes(member) ? 1 : 0), 'each member hears it once')

    const conflict = await ann!.socket.timeout(5000).emitWithAck('message:send', { cafeId, ...body, content: 'something else' })
    t.match(conflict, { ok: false, error: { code: 'CHAT_CLIENT_ID_CONFLICT' } })
  }

  // Days later, on nodes that were not there then.
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  t.teardown(() => client.end())
  await client.query("UPDATE messages SET created_at = created_at - interval '3 days'")
  await stage.redis.restart()
  await stage.restart(0)
  await stage.restart(1)
  await within('all are back', () => crowd.members.every(({ joined }) => joined), 20_000)
  for (const { body, message } of sent) {
    const { data } = await ann!.socket.timeout(5000).emitWithAck('message:send', { cafeId, ...body })
    t.match(data, { duplicate: true, message: { ...message as object, createdAt: String } }, 'the same message')
  }
  const { messages, heads } = await readTables(databaseUrl)
  t.equal(messages.length, 4, 'one row a clientId')
  t.match(heads.find(head => head.cafe_id === cafeId), { seq: 4, rev: 4 }, 'no number was used up')
  clean(t, await finish(t, stage, { brokenAt: start, healedAt: Date.now() }))
})

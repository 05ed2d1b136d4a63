import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Crowd } from './crowd.ts'
import type { Tables, Told } from './records.ts'

interface Copies { crowd: Crowd, redisUrl: string, nodes: Array<{ url: string }> }

/** Redis is there, so what is still to be written does not take long. */
const WRITE_BEHIND_MS = 5000
/** Leases of nodes that were killed have ended by then. */
const PRESENCE_MS = 15_000

/** The sum of a counter of /metrics over its labels. */
export async function counter ({ url }: { url: string }, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.split('\n').filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** REST of every node and the list in Redis say what the database says. */
export async function compareCopies (t: Test, { crowd, redisUrl, nodes }: Copies, tables: Tables) {
  const client = new Redis(redisUrl)
  t.teardown(() => client.disconnect())
  const { token } = crowd.members[0]!.session
  for (const cafeId of crowd.cafeIds) {
    const newest = tables.messages.filter(row => row.cafe_id === cafeId).toSorted((a, b) => b.seq - a.seq).slice(0, 100).map(toLine)
    for (const { url } of nodes) {
      const response = await fetch(`${url}/api/chat/messages/${cafeId}?limit=100`, { headers: { authorization: `Bearer ${token}` } })
      const { messages } = await response.json() as { messages: Told[] }
      t.same(messages.map(toLine), newest, 'a page of REST')
    }
    // It is written behind the ack, and may be absent after an outage.
    const read = async () => (await client.lrange(`cafe:${cafeId}:messages`, 0, -1)).map(text => toLine(JSON.parse(text) as Told))
    const writtenBy = Date.now() + WRITE_BEHIND_MS
    let list = await read()
    while (list.length > 0 && list[0] !== newest[0] && Date.now() < writtenBy) {
      await delay(50)
      list = await read()
    }
    if (list.length > 0) t.same(list, newest, 'the list in Redis')
  }
}

const toLine = ({ id, seq, rev, content, deleted }: Told) => `${seq} ${id} ${rev} ${content} ${deleted}`

/** Redis names exactly those who are connected as the members of each cafe, in the end. Resolves with how many milliseconds that took. */
export async function comparePresence (t: Test, { crowd, redisUrl }: Omit<Copies, 'nodes'>): Promise<number> {
  const client = new Redis(redisUrl)
  t.teardown(() => client.disconnect())
  const asConnected = crowd.cafeIds.map(cafeId => crowd.members.filter(({ record }) => record.cafeId === cafeId).map(({ session }) => session.user.id).toSorted())
  const asTold = async () => Promise.all(crowd.cafeIds.map(async cafeId => (await client.smembers(`cafe:${cafeId}:users`)).toSorted()))
  const start = Date.now()
  let told = await asTold()
  while (JSON.stringify(told) !== JSON.stringify(asConnected) && Date.now() - start < PRESENCE_MS) {
    await delay(50)
    told = await asTold()
  }
  t.same(told, asConnected, 'the members in Redis are those who are connected')
  return Date.now() - start
}

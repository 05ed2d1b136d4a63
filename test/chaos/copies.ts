import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Crowd } from './crowd.ts'
import type { Tables, Told } from './records.ts'

interface Copies { crowd: Crowd, redisUrl: string, nodes: Array<{ url: string }> }

/** Redis is there, so what is still to be written does not take long. */
const WRITE_BEHIND_MS = 5000
/** After the end of a fault; leases of nodes that were killed have ended by then. */
const PRESENCE_MS = 15_000
/** Between looks at all nodes, cafes and clients. */
const LOOK_MS = 250

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

/**
 * Everybody agrees who is in each cafe: those who are connected. The SET in Redis, REST of every node, and the count that each
 * client has heard. Resolves with how many milliseconds after `healedAt` that was so, or was seen to be so.
 */
export async function comparePresence (t: Test, { crowd, redisUrl, nodes }: Copies, healedAt: number): Promise<number> {
  const client = new Redis(redisUrl)
  t.teardown(() => client.disconnect())
  const headers = { authorization: `Bearer ${crowd.members[0]!.session.token}` }

  async function differences (cafeId: string): Promise<string[]> {
    const members = crowd.members.filter(({ record }) => record.cafeId === cafeId)
    const wanted = members.map(({ session }) => session.user.id).toSorted()
    const told = [{ who: 'Redis', userCount: await client.scard(`cafe:${cafeId}:users`), ids: await client.smembers(`cafe:${cafeId}:users`) }]
    for (const { url } of nodes) {
      const { userCount, users } = await (await fetch(`${url}/api/chat/presence/${cafeId}`, { headers })).json() as { userCount?: number, users?: Array<{ id: string }> }
      told.push({ who: url, userCount: userCount ?? -1, ids: users?.map(({ id }) => id) ?? [] })
    }
    for (const { record: { name, userCount } } of members) told.push({ who: name, userCount, ids: wanted })
    return told.filter(({ userCount, ids }) => userCount !== wanted.length || ids.toSorted().join() !== wanted.join())
      .map(({ who, userCount, ids }) => `${who}: ${userCount} and ${ids.length} of ${wanted.length}`)
  }

  const look = async () => (await Promise.all(crowd.cafeIds.map(differences))).flat()
  let found = await look()
  while (found.length > 0 && Date.now() - healedAt < PRESENCE_MS) {
    await delay(LOOK_MS)
    found = await look()
  }
  t.same(found, [], 'Redis, every node and every client know who is there')
  return Date.now() - healedAt
}

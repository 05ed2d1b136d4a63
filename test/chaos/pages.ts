import { connect, type Cafe, type Client } from '../../client/index.ts'
import type { Scope } from '../support/processes.ts'
import { guest, openCafe, within } from './crowd.ts'
import type { Tables } from './records.ts'
import type { Stage } from './stage.ts'
import { openWay, type Way } from './ways.ts'

/** One user's page with klatsch/client in it. It may be reloaded, and then has nothing but what it stored. */
export interface Page {
  name: string
  userId: string
  cafeId: string
  way: Way
  client: Client
  cafe: Cafe
  /** How many messages its storage holds. */
  unsent: () => number
  /** The page goes without a word, in the middle of whatever it does, and comes anew. */
  reload: () => void
}

interface Said { page: Page, clientId: string, content: string, saidAt: number }

/** All of it, so that the oracle can compare all of it. */
const KEPT = 1_000_000

/** Pages, spread over nodes and cafes in turn, each with a way of its own to a node that runs. */
export async function openPages (t: Scope, { nodes, balancer, crowd, killed }: Stage, { pages: count, cafes }: { pages: number, cafes: number }) {
  const founder = await guest(nodes[0]!, 'founder of pages')
  const cafeIds = crowd.cafeIds.length > 0 ? crowd.cafeIds : await Promise.all(Array.from({ length: cafes }, () => openCafe(nodes[0]!, founder)))
  const said: Said[] = []
  const changes: Array<{ messageId: string, rev: number }> = []
  const ackMs: number[] = []
  let refused = 0

  const pages = await Promise.all(Array.from({ length: count }, async (_, index) => {
    const name = `page ${index}`
    const { token, user } = await guest(nodes[index % nodes.length]!, name)
    const localAddress = `127.2.${index >> 8}.${index & 255}`
    const way = await openWay(t, () => {
      if (balancer !== undefined) return { url: balancer.url, localAddress }
      // Whoever's node is gone comes to the next one, as by a balancer.
      const candidates = nodes.map((_, step) => nodes[(index + step) % nodes.length]!)
      return candidates.find(node => !killed.has(node)) ?? nodes[0]!
    })
    let stored: string | null = null
    const page: Page = { name, userId: user.id, cafeId: cafeIds[index % cafeIds.length]!, way, client: undefined!, cafe: undefined!, unsent, reload }
    function unsent () {
      return stored === null ? 0 : (JSON.parse(stored) as { unsent: unknown[] }).unsent.length
    }
    function load () {
      // A page that is gone writes nothing any more.
      const isHere = () => page.client === client
      const storage = { load: () => stored, save (text: string) { if (isHere()) stored = text } }
      const client = connect({ url: way.url, token, storage, window: KEPT })
      page.client = client
      page.cafe = client.join(page.cafeId)
    }
    function reload () {
      const { client } = page
      way.cut()
      load()
      client.close()
    }
    load()
    return page
  }))
  t.teardown(() => { for (const { client } of pages) client.close() })
  await within('all have joined', () => pages.every(({ cafe }) => cafe.state === 'joined'), 30_000)

  function say (page: Page) {
    const content = `number ${said.length} of ${page.name}`
    const saidAt = Date.now()
    const sending = page.cafe.send(content)
    said.push({ page, clientId: sending.clientId, content, saidAt })
    sending.settled().then(({ state }) => {
      if (state === 'sent') ackMs.push(Date.now() - saidAt)
      else refused++
    })
  }

  /** Edits or deletes a message of one's own. What fails with an error is not counted. */
  async function change ({ cafe, userId }: Page, isEdit: boolean) {
    const own = cafe.messages.findLast(entry => entry.state === undefined && entry.userId === userId && !entry.deleted)
    if (own === undefined) return
    try {
      if (isEdit) {
        const { id, rev } = await cafe.edit(own, `${own.content}, edited`)
        changes.push({ messageId: id, rev })
      } else {
        await cafe.delete(own)
      }
    } catch (error) {
      // The page was reloaded, or somebody came first: the oracle judges what was acked.
      if (!/^(CLIENT_|CHAT_MESSAGE_NOT_FOUND)/.test((error as { code?: string }).code ?? '')) throw error
    }
  }

  /** What came of it, by the database. All but the first two should be 0. */
  function judge (tables: Tables) {
    const rows = group(tables.messages, row => row.client_id ?? '')
    const known = new Set(tables.changes.map(({ message_id: id, rev }) => `${id} ${rev}`))
    const views = pages.map(page => compare(page, tables))
    const sum = (name: keyof ReturnType<typeof compare>) => views.reduce((total, view) => total + view[name], 0)
    const sent = new Set(said.map(({ clientId }) => clientId))
    const waiting = pages.reduce((total, { unsent }) => total + unsent(), 0)
    return {
      attempted: said.length,
      acked: said.length - waiting - refused,
      refused,
      ackedLost: said.filter(({ clientId }) => !rows.has(clientId)).length,
      storedTwice: [...rows.values()].filter(({ length }) => length > 1).length,
      unattempted: tables.messages.filter(row => !sent.has(row.client_id ?? '')).length,
      changesLost: changes.filter(({ messageId, rev }) => !known.has(`${messageId} ${rev}`)).length,
      lost: sum('lost'),
      doubled: sum('doubled'),
      disordered: sum('disordered') + countInversions(said, rows),
      phantoms: sum('phantoms'),
      hung: waiting,
      ackMax: Math.max(0, ...ackMs)
    }
  }

  return { pages, said, say, change, judge }
}

/** What a page shows beside what the database has: the whole cafe. */
function compare ({ cafeId, cafe }: Page, tables: Tables) {
  const rows = new Map(tables.messages.filter(row => row.cafe_id === cafeId).map(row => [row.seq, row]))
  const { messages } = cafe
  let [lost, doubled, disordered, phantoms] = [0, 0, 0, 0]
  const shown = new Set<string>()
  messages.forEach((message, index) => {
    const { id, seq } = message
    const row = rows.get(seq ?? 0)
    if (shown.has(id)) doubled++
    shown.add(id)
    if (index > 0 && (seq ?? 0) <= (messages[index - 1]!.seq ?? 0)) disordered++
    if (row?.id !== id) phantoms++
    else if (message.state === undefined && (row.rev !== message.rev || row.content !== message.content || row.deleted !== message.deleted)) lost++
  })
  for (const { id } of rows.values()) if (!shown.has(id)) lost++
  return { lost, doubled, disordered, phantoms }
}

function group<K, V> (values: V[], keyOf: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>()
  for (const value of values) {
    const members = groups.get(keyOf(value))
    if (members === undefined) groups.set(keyOf(value), [value])
    else members.push(value)
  }
  return groups
}

/** What one page said earlier has the lower number. */
function countInversions (said: Said[], rows: Map<string, Tables['messages']>): number {
  let inversions = 0
  for (const own of group(said, ({ page }) => page).values()) {
    const seqs = own.flatMap(({ clientId }) => rows.get(clientId)?.[0]?.seq ?? [])
    inversions += seqs.filter((seq, index) => index > 0 && seq < seqs[index - 1]!).length
  }
  return inversions
}

import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { Scope } from '../support/processes.ts'
import type { Doors } from './doors.ts'
import type { Attempt, MemberRecord, Records, Told } from './records.ts'

interface Home { url: string }
interface Session { token: string, user: { id: string }, expiresAt: string }
type Answer = { ok: true, data: { message: Told, rev?: number, duplicate?: boolean } } | { ok: false, error: { code: string, retryAfterMs?: number } }

/** One client: a stock socket.io-client and what it wrote down. */
export interface Member {
  session: Session
  record: MemberRecord
  socket: Socket
  /** messages of its own that it may still edit or delete */
  own: string[]
  joined: boolean
  /** Leaves the connection and takes another, to this node where clients choose, coming back with `since`. */
  move: (node: number) => void
}

/** For how long to talk. `over`: not before this has resolved, and AFTER_MS more. */
export interface Talk { perSecond: number, seconds: number, over?: Promise<unknown> }

const ANSWER_MS = 5000
/** There is talk for so long after all is whole again. */
const AFTER_MS = 2000
/** All clients come at once. */
const JOIN_MS = 30_000
/** A send is repeated until this long after its first try. A stock client may ask a node that does not answer twice, 20 s each time. */
const GIVE_UP_MS = 60_000
/** What another try, under the same clientId, may mend. */
const PASSING = new Set(['CHAT_UNAVAILABLE', 'CHAT_OUTCOME_UNKNOWN', 'CHAT_NOT_MEMBER'])

const post = async <T>({ url }: Home, path: string, body: object, token?: string): Promise<T> => {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
  const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return await response.json() as T
}

export const openCafe = async (home: Home, { token }: Session) => (await post<{ id: string }>(home, '/api/cafes', { name: 'Chaos' }, token)).id
export const guest = (home: Home, username: string) => post<Session>(home, '/api/auth/guest', { username })

/** Clients, spread over nodes and cafes in turn. They know nothing of the server but its protocol. */
export async function createCrowd (t: Scope, homes: Home[], doors: Doors, { clients, cafes }: { clients: number, cafes: number }) {
  const records: Records = { members: [], attempts: [], changes: [], answers: [], hung: 0 }
  const founder = await guest(homes[0]!, 'founder')
  const cafeIds = await Promise.all(Array.from({ length: cafes }, () => openCafe(homes[0]!, founder)))
  const members = await Promise.all(Array.from({ length: clients }, async (_, index) => {
    const node = index % homes.length
    const name = `client ${index}`
    const record: MemberRecord = { name, cafeId: cafeIds[Math.floor(index / homes.length) % cafes]!, node, userCount: 0, steps: [] }
    records.members.push(record)
    return enter(index, record, await guest(homes[node]!, name))
  }))
  t.teardown(() => { for (const { socket } of members) socket.disconnect() })
  await within('all have joined', () => members.every(({ joined }) => joined), JOIN_MS)
  await locate()

  function enter (index: number, record: MemberRecord, session: Session): Member {
    const member: Member = { session, record, own: [], joined: false, socket: undefined!, move }
    function move (node: number) {
      member.socket?.disconnect()
      record.node = node
      member.joined = false
      const { url, options } = doors.open(index, node)
      const socket = io(url, { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1000, ...options, auth: { token: session.token } })
      member.socket = socket
      listen(member, socket)
    }
    move(record.node)
    return member
  }

  /** Writes down where everybody is, if that is the balancer's choice. */
  async function locate () {
    const nodes = await doors.whereabouts?.(clients)
    nodes?.forEach((node, index) => { if (node !== undefined) records.members[index]!.node = node })
  }

  function listen (member: Member, socket: Socket) {
    const { cafeId, steps } = member.record
    socket.on('message:history', ({ rev, recovered, messages }) => steps.push({ kind: 'history', at: Date.now(), rev, recovered, messages }))
    socket.on('message:new', ({ rev, message }) => steps.push({ kind: 'new', at: Date.now(), rev, message }))
    socket.on('message:updated', ({ rev, message }) => steps.push({ kind: 'updated', at: Date.now(), rev, message }))
    socket.on('message:deleted', ({ rev, messageId, seq }) => steps.push({ kind: 'deleted', at: Date.now(), rev, messageId, seq }))
    socket.on('users:update', ({ userCount }) => { member.record.userCount = userCount })
    socket.on('disconnect', () => { member.joined = false })
    socket.on('connect', () => join(member, socket, cafeId))
    socket.on('connect_error', error => { setTimeout(turnAway, 100 + Math.random() * 200, member, socket, error) })
  }

  /** The node is not there, or said no. Who knows other nodes takes the next one; a stock client tries again by itself only if nobody answered. */
  function turnAway (member: Member, socket: Socket, error: Error & { data?: { code: string } }) {
    if (socket !== member.socket || socket.connected) return
    const isPassing = error.data === undefined || error.data.code === 'CHAT_UNAVAILABLE'
    if (isPassing && doors.choices > 1) member.move((member.record.node + 1) % doors.choices)
    else if (!socket.active) socket.connect()
  }

  async function join (member: Member, socket: Socket, cafeId: string) {
    const { id } = socket
    // The next connection joins by itself: two joins with one `since` would be told the same twice.
    while (socket.connected && socket.id === id && socket === member.socket) {
      const since = member.record.steps.at(-1)?.rev
      const answer = await emit(socket, 'join:cafe', since === undefined ? { cafeId } : { cafeId, since })
      member.joined = answer?.ok === true
      if (member.joined) return
      await delay(200)
    }
  }

  /** The answer; undefined when the connection was lost first, or when none came. */
  async function emit (socket: Socket, event: string, payload: object): Promise<Answer | undefined> {
    const sentAt = Date.now()
    const { id } = socket
    try {
      const answer: Answer = await socket.timeout(ANSWER_MS).emitWithAck(event, payload)
      if (event === 'message:send') records.answers.push({ sentAt, ms: Date.now() - sentAt })
      return answer
    } catch {
      if (socket.connected && socket.id === id && Date.now() - sentAt >= ANSWER_MS) records.hung++
    }
  }

  /** Begins a send, and writes that down; nothing goes out yet. */
  function begin ({ session, record: { cafeId, node } }: Member, content: string): Attempt {
    const attempt: Attempt = { cafeId, userId: session.user.id, clientId: randomUUID(), content, node, sentAt: Date.now(), tries: 0 }
    records.attempts.push(attempt)
    return attempt
  }

  /** Sends, and repeats the send under its clientId until there is an answer that lasts. */
  async function insist (member: Member, attempt: Attempt) {
    const { cafeId, clientId, content } = attempt
    while (Date.now() - attempt.sentAt < GIVE_UP_MS) {
      if (!member.joined) {
        await delay(20)
        continue
      }
      attempt.tries++
      const answer = await emit(member.socket, 'message:send', { cafeId, content, clientId })
      if (answer === undefined) continue
      if (answer.ok) {
        attempt.ackedAt = Date.now()
        attempt.id = answer.data.message.id
        attempt.duplicate = answer.data.duplicate === true
        member.own.push(attempt.id)
        return
      }
      if (!PASSING.has(answer.error.code)) {
        attempt.refused = answer.error.code
        return
      }
      await delay(answer.error.retryAfterMs ?? 200)
    }
  }

  const send = (member: Member, content: string) => insist(member, begin(member, content))

  /** Edits or deletes a message of one's own. What is not acked is not counted. */
  async function change (member: Member, kind: 'edit' | 'delete', content: string) {
    const messageId = member.own.shift()
    if (messageId === undefined || !member.joined) return
    const answer = await emit(member.socket, `message:${kind}`, kind === 'edit' ? { messageId, content } : { messageId })
    if (answer?.ok !== true) return
    records.changes.push({ messageId, rev: kind === 'edit' ? answer.data.message.rev : answer.data.rev! })
    if (kind === 'edit') member.own.push(messageId)
  }

  let said = 0
  /** Everybody talks in turn, sometimes edits, sometimes deletes. Resolves when everything was answered or given up. */
  async function talk ({ perSecond, seconds, over }: Talk) {
    const doing: Array<Promise<void>> = []
    const start = Date.now()
    let until = over === undefined ? 0 : Infinity
    const end = () => { until = Date.now() + AFTER_MS }
    over?.then(end, end)
    for (let index = 0; index < perSecond * seconds || Date.now() < until; index++) {
      const member = members[(index + Math.floor(index / 10)) * 7 % members.length]!
      // Never the same twice: that would be refused.
      const content = `number ${++said} of ${member.record.name}`
      if (index % 10 === 4) doing.push(change(member, 'edit', `${content}, edited`))
      else if (index % 10 === 9) doing.push(change(member, 'delete', content))
      else doing.push(send(member, content))
      await delay(start + index * 1000 / perSecond - Date.now())
    }
    await Promise.all(doing)
  }

  return { records, members, cafeIds, locate, begin, insist, send, talk }
}

export type Crowd = Awaited<ReturnType<typeof createCrowd>>

/** Resolves when `check` holds, or fails. */
export async function within (what: string, check: () => boolean | Promise<boolean>, ms = 10_000) {
  const deadline = Date.now() + ms
  while (!await check()) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await delay(20)
  }
}

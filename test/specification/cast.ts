import { AssertionError } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import type { BlackBox, Person } from './black-box.ts'

/** A message as the specification shows it; `seq` where the server numbers its messages. */
export interface ChatMessage {
  id: string
  cafeId: string
  userId: string
  username: string
  content: string
  createdAt: string
  deleted: boolean
  seq?: number
}

/** What the server may send, with the fields that checks read. */
export interface Heard {
  connected: { userId: string }
  'message:new': { message: ChatMessage }
  'message:history': { messages: ChatMessage[] }
  'users:update': { userCount: number, action: string }
  'typing:indicator': { userId: string, isTyping: boolean }
  'topics:update': { topics: string[] }
  error: { code: string, message: string }
}

/** The first such event, or undefined when none came in time: the check decides what that means. */
export async function heard<E extends keyof Heard> (client: Socket, event: E, ms: number, accept: (payload: Heard[E]) => boolean = () => true): Promise<Heard[E] | undefined> {
  return await new Promise(resolve => {
    const timer = setTimeout(settle, ms)
    client.on(event as string, listener)

    function listener (payload: Heard[E]): void {
      if (accept(payload)) settle(payload)
    }

    function settle (payload?: Heard[E]): void {
      clearTimeout(timer)
      client.off(event as string, listener)
      resolve(payload)
    }
  })
}

/**
 * Joins and answers the history. It is patient with a server that loses early events, so that this can take part in checks of
 * other faults: it waits a little after connecting, and asks again when it hears nothing for long. A join that never succeeds
 * is no finding of the check but an error of its set-up.
 */
export async function enter (client: Socket, cafeId: string): Promise<ChatMessage[]> {
  if (!client.connected) {
    for (let wait = 0; wait < 200 && !client.connected; wait++) await sleep(50)
    await sleep(100)
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    const history = heard(client, 'message:history', 2_000)
    client.emit('join:cafe', { cafeId })
    const answer = await history
    if (answer !== undefined) return answer.messages
  }
  throw new Error('no history: the client could not join')
}

/** Connects a new person and lets them join. */
export async function arrive (server: BlackBox, username: string, cafeId: string): Promise<{ person: Person, client: Socket, history: ChatMessage[] }> {
  const person = await server.person(username)
  const client = server.connect(person)
  return { person, client, history: await enter(client, cafeId) }
}

/** Sends and waits until the sender hears the message; answers it. Nobody else may send the same at the same time. */
export async function say (client: Socket, cafeId: string, content: string): Promise<ChatMessage> {
  const sent = heard(client, 'message:new', 5_000, ({ message }) => message.content === content)
  client.emit('message:send', { cafeId, content })
  const heardBack = await sent
  if (heardBack === undefined) throw new Error(`"${content}" did not come back to its sender`)
  return heardBack.message
}

/** Calls a REST endpoint of the chat; `path` begins after /api/chat/. */
export async function rest<T> (server: BlackBox, person: Person, method: string, path: string): Promise<{ status: number, body: T }> {
  const response = await fetch(`${server.url}/api/chat/${path}`, { method, headers: { authorization: `Bearer ${person.token}` } })
  return { status: response.status, body: await response.json() as T }
}

/** As `rest`, for a GET that has to succeed. */
export async function read<T> (server: BlackBox, person: Person, path: string): Promise<T> {
  const { status, body } = await rest<T>(server, person, 'GET', path)
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`)
  return body
}

/** Repeats a check while it fails by assertion, until it holds or the time is over; then the last failure counts. */
export async function eventually (ms: number, check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + ms
  while (true) {
    try {
      return await check()
    } catch (error) {
      if (!(error instanceof AssertionError) || Date.now() >= deadline) throw error
    }
    await sleep(50)
  }
}

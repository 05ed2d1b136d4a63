import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'
import type { Test } from 'tap'
import { connect, type Client, type ConnectOptions } from '../../client/index.ts'
import type { Message } from '../../schemas/messages.ts'

/** A client that is closed with its test. */
export function enter (t: Test, options: ConnectOptions): Client {
  const client = connect(options)
  t.teardown(() => client.close())
  return client
}

export const texts = ({ messages }: { messages: ReadonlyArray<{ content: string }> }) => messages.map(({ content }) => content)

/** A storage as a page has it: what one client leaves, the next one finds. */
export function createStorage (text: string | null = null) {
  return {
    text,
    load () { return this.text },
    save (text: string) { this.text = text }
  }
}

/** The states a client goes through. */
export function watch (client: Client) {
  const states: string[] = [client.status.state]
  client.subscribe(() => { if (states.at(-1) !== client.status.state) states.push(client.status.state) })
  return states
}

export const CAFE = '3f2b9c1e-7d44-4c59-8a65-1c0e5b7d9a20'

/** A message as the server sends it; `rev` is `seq` unless said. */
export const makeMessage = (seq: number, others: Partial<Message> = {}): Message => ({
  id: `message ${seq}`,
  cafeId: CAFE,
  userId: 'ann',
  username: 'Ann',
  content: `text ${seq}`,
  createdAt: '2025-11-19T10:00:00.000Z',
  deleted: false,
  seq,
  rev: seq,
  ...others
})

/** Messages from one number to another, newest first, as pages have them. */
export const makePage = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => makeMessage(to - index))

/** A server that is not klatsch: it says what the test says, on the protocol of Socket.IO. */
export async function startStranger (t: Test, welcome: (socket: Socket) => void, admit: (socket: Socket, next: (error?: Error) => void) => void = (_, next) => next()) {
  const http = createServer((_, response) => response.writeHead(502).end('<h1>Bad gateway</h1>'))
  const io = new Server(http)
  io.use(admit)
  io.on('connection', welcome)
  await new Promise<void>(resolve => { http.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => io.close())
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

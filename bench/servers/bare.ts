/**
 * The yardstick: a bare Socket.IO server that numbers messages, broadcasts them and answers, and keeps nothing. What it tells is
 * as large as what klatsch tells. With REDIS_URL its rooms go over several processes by the stock adapter, and each process numbers
 * for itself. With HISTORY=n who joins is told n messages from an array. With DATABASE_URL each message is a commit of PostgreSQL before
 * it is told.
 *
 * FLOOR=1: the least that a server in Node can do. It writes one frame, prepared once for each message, to the TCP socket of each
 * member, and hands the network what one turn of the event loop has for a socket at once.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Server, type Socket } from 'socket.io'

interface Send { cafeId: string, content: string, clientId: string }
type Answer = (reply: object) => void

const { REDIS_URL, DATABASE_URL, FLOOR, HISTORY = '0' } = process.env
const http = createServer()
const io = new Server(http)
if (REDIS_URL !== undefined) io.adapter(createAdapter(new Redis(REDIS_URL), new Redis(REDIS_URL)))

const pool = DATABASE_URL === undefined ? undefined : new pg.Pool({ connectionString: DATABASE_URL })
await pool?.query('CREATE TABLE said (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, cafe_id uuid NOT NULL, user_id uuid NOT NULL, content text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())')

const history = Array.from({ length: Number(HISTORY) }, (_, number) => createMessage(randomUUID(), { userId: randomUUID(), username: 'founder' }, `message ${number} and what else there is to say in a cafe`, number, ''))
const revs = new Map<string, number>()
const members = new Map<string, TcpSocket[]>()
const corked = new Set<TcpSocket>()

io.on('connection', (socket: Socket) => {
  const user = { userId: randomUUID(), username: String(socket.handshake.auth.username) }

  socket.on('join:cafe', ({ cafeId }: { cafeId: string }, answer: Answer) => {
    socket.join(cafeId)
    if (FLOOR === '1') members.set(cafeId, [...members.get(cafeId) ?? [], wireOf(socket)])
    if (history.length > 0) socket.emit('message:history', { cafeId, messages: history, rev: 0, recovered: false })
    answer({ ok: true, data: { cafeId, rev: revs.get(cafeId) ?? 0 } })
  })

  function tell ({ cafeId, content, clientId }: Send, answer: Answer) {
    const rev = (revs.get(cafeId) ?? 0) + 1
    revs.set(cafeId, rev)
    const message = createMessage(cafeId, user, content, rev, clientId)
    if (FLOOR === '1') write(members.get(cafeId)!, `42${JSON.stringify(['message:new', { message, rev }])}`)
    else io.to(cafeId).emit('message:new', { message, rev })
    answer({ ok: true, data: { message, duplicate: false } })
  }

  socket.on('message:send', async (send: Send, answer: Answer) => {
    if (pool !== undefined) await pool.query({ name: 'store', text: 'INSERT INTO said (cafe_id, user_id, content) VALUES ($1, $2, $3)', values: [send.cafeId, user.userId, send.content] })
    tell(send, answer)
  })
})

function createMessage (cafeId: string, user: { userId: string, username: string }, content: string, rev: number, clientId: string) {
  return { id: randomUUID(), cafeId, ...user, content, createdAt: new Date().toISOString(), deleted: false, seq: rev, rev, clientId }
}

const wireOf = ({ conn }: Socket) => (conn.transport as unknown as { socket: { _socket: TcpSocket } }).socket?._socket

function write (wires: TcpSocket[], text: string) {
  const length = Buffer.byteLength(text)
  const frame = Buffer.concat([Buffer.from([0x81, 126, length >> 8, length & 0xff]), Buffer.from(text)])
  if (corked.size === 0) setImmediate(uncorkAll)
  for (const wire of wires) {
    if (!corked.has(wire)) wire.cork()
    corked.add(wire)
    wire.write(frame)
  }
}

function uncorkAll () {
  for (const wire of corked) wire.uncork()
  corked.clear()
}

http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo
  console.log(`klatsch is ready for comparison: http://127.0.0.1:${port}`)
})
process.on('SIGTERM', () => process.exit())

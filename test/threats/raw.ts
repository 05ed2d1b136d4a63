import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import { until } from '../support/sockets.ts'

/*
 * Bytes on a connection, as no well-behaved client would send them.
 */

export const TEXT = 1
export const BINARY = 2
export const CONTINUED = 0
export const CLOSE = 8
export const PING = 9

/** A TCP connection to a server. `answer` is what has come so far, byte by byte. */
function dial (t: Test, url: string) {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect(Number(port), hostname)
  const pieces: Buffer[] = []
  socket.on('data', piece => pieces.push(piece))
  // What a server that closes at once does to a client that still writes.
  socket.on('error', () => {})
  t.teardown(() => { socket.destroy() })
  return { socket, answer: () => Buffer.concat(pieces).toString('latin1'), isGone: () => socket.destroyed || socket.readableEnded }
}

/** Sends bytes as they are. @returns what came back until the server closed, or until a whole answer with its length had come */
export async function talk (t: Test, url: string, bytes: string | Buffer): Promise<string> {
  const { socket, answer, isGone } = dial(t, url)
  socket.write(bytes)
  await until('the server answers or closes', () => isGone() || isWhole(answer()))
  socket.destroy()
  return answer()
}

function isWhole (answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /^content-length: *(\d+)/im.exec(answer.slice(0, end))?.[1]
  return answer.startsWith('HTTP/1.1 204') || (length !== undefined && answer.length >= end + 4 + Number(length))
}

export interface Frame { opcode: number, payload?: string | Buffer, fin?: boolean, rsv?: number, masked?: boolean, length?: bigint }

/** A WebSocket frame. `length`: what its head says, whatever follows. */
export function frame ({ opcode, payload = '', fin = true, rsv = 0, masked = true, length }: Frame): Buffer {
  const body = Buffer.from(payload)
  const size = length ?? BigInt(body.length)
  const head = size < 126n ? Buffer.alloc(2) : size <= 0xffffn ? Buffer.alloc(4) : Buffer.alloc(10)
  head.writeUInt8((fin ? 0x80 : 0) | (rsv << 4) | opcode, 0)
  head.writeUInt8((masked ? 0x80 : 0) | (size < 126n ? Number(size) : size <= 0xffffn ? 126 : 127), 1)
  if (head.length === 4) head.writeUInt16BE(Number(size), 2)
  if (head.length === 10) head.writeBigUInt64BE(size, 2)
  if (!masked) return Buffer.concat([head, body])
  const mask = randomBytes(4)
  return Buffer.concat([head, mask, body.map((byte, index) => byte ^ mask[index % 4]!)])
}

/** A WebSocket to Engine.IO, after the upgrade; with `token`, connected to Socket.IO as well. */
export async function upgrade (t: Test, url: string, { token, headers = '' }: { token?: string, headers?: string } = {}) {
  const { socket, answer, isGone } = dial(t, url)
  const lines = ['GET /socket.io/?EIO=4&transport=websocket HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`]
  socket.write(`${lines.join('\r\n')}\r\n${headers}\r\n`)
  await until('it is upgraded', () => answer().includes('"sid"'))
  const send = (...frames: Frame[]) => { sendAll(frames) }
  const sendAll = (frames: Frame[]) => { socket.write(Buffer.concat(frames.map(frame))) }
  const say = (text: string) => send({ opcode: TEXT, payload: text })
  if (token !== undefined) {
    say(`40${JSON.stringify({ token })}`)
    await until('it is connected', () => answer().includes('42["connected"'))
  }
  // A server says that it closes, and waits a while for a client that is polite.
  const isOver = () => isGone() || hasClosed(answer())
  return { socket, send, sendAll, say, answer, isOver, over: (what: string) => until(`${what} ends the connection`, isOver) }
}

/** Does one of the frames behind the head of the answer say goodbye? */
function hasClosed (answer: string): boolean {
  const bytes = Buffer.from(answer, 'latin1')
  for (let at = answer.indexOf('\r\n\r\n') + 4; at + 1 < bytes.length;) {
    if ((bytes[at]! & 0x0f) === CLOSE) return true
    const short = bytes[at + 1]! & 0x7f
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    if (at + head > bytes.length) return false
    at += head + (short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2)))
  }
  return false
}

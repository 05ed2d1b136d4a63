import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface Wire {
  /** Text of an engine.io packet, such as `42["event",{}]`. */
  send: (text: string) => void
}

/** What a frame says, as bytes from `start` to `end`. They are valid only during the call. */
export type Listener = (bytes: Buffer, start: number, end: number) => void

const PING = 0x32
const PONG = '3'
const SHORTEST_HEAD = 2
const TWO_BYTES = 126

/**
 * A WebSocket as lean as it gets, because what a load generator spends the server cannot have: frames are built by hand under a mask
 * of zeros, and handed on as bytes. Engine.io's pings are answered. Resolves when the server has switched to WebSocket.
 */
export async function openWire (url: string, listener: Listener, onClose: () => void): Promise<Wire> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  socket.write([
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1', `Host: ${hostname}:${port}`, 'Connection: Upgrade', 'Upgrade: websocket',
    'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, '', ''
  ].join('\r\n'))
  let rest = await readHead(socket)
  const wire = { send: (text: string) => { socket.write(frame(text)) } }
  const read = (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (bytes.length - at >= SHORTEST_HEAD) {
      const [start, length] = measure(bytes, at)
      if (start + length > bytes.length) break
      if (bytes[start] === PING && length === 1) wire.send(PONG)
      else listener(bytes, start, start + length)
      at = start + length
    }
    rest = bytes.subarray(at)
  }
  socket.on('data', read).on('error', () => {}).on('close', onClose)
  // What came together with the head.
  setImmediate(() => read(Buffer.alloc(0)))
  return wire
}

/** Where the text of the frame at `at` begins, and how long it is; beyond the end when that is not there yet. */
function measure (bytes: Buffer, at: number): [start: number, length: number] {
  const length = bytes[at + 1]!
  if (length < TWO_BYTES) return [at + 2, length]
  if (length === TWO_BYTES) return bytes.length - at < 4 ? [at + 4, Infinity] : [at + 4, bytes.readUInt16BE(at + 2)]
  return bytes.length - at < 10 ? [at + 10, Infinity] : [at + 10, Number(bytes.readBigUInt64BE(at + 2))]
}

function frame (text: string): Buffer {
  const length = Buffer.byteLength(text)
  const head = length < TWO_BYTES ? Buffer.from([0x81, 0x80 | length]) : Buffer.from([0x81, 0x80 | TWO_BYTES, length >> 8, length & 0xff])
  if (length > 0xffff) throw new Error('A load generator sends nothing as long')
  return Buffer.concat([head, Buffer.alloc(4), Buffer.from(text)])
}

/** Reads the answer to the handshake. @returns what came after it */
function readHead (socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    socket.once('error', reject)
    socket.on('data', function read (chunk: Buffer) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', read).off('error', reject)
      if (head.subarray(0, 12).toString() === 'HTTP/1.1 101') resolve(head.subarray(end + 4))
      else reject(new Error(`no WebSocket: ${head.subarray(0, 100).toString()}`))
    })
  })
}

import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** To the sockets of this node that are in the room at the end of the turn, in the order of the calls. What others are told by `socket.emit` may come before it. */
    tellRoom: (room: string, event: string, payload: unknown) => void
    /** What the room was told in this turn is on its way: call it before somebody gets to hear what happened so far in another way. */
    settleRoom: (room: string) => void
  }
}

/** What engine.io keeps of a connection, as far as it is needed here. */
interface Connection {
  readyState: string
  write: (data: string, options?: object) => void
  /** Hands what waits to the transport, if that can take it. */
  flush: () => void
  /** `socket`: of a WebSocket, not of polling; after an upgrade it is the new one. */
  transport: { name: string, perMessageDeflate?: unknown, socket?: { _socket?: { cork: () => void, uncork: () => void } } }
}

/** An event of Socket.IO's own namespace, and Engine.IO's type of what carries it. */
const EVENT = '2'
const MESSAGE = '4'
/** A whole text frame; servers do not mask. */
const TEXT = 0x81
const [TWO_BYTES, EIGHT_BYTES] = [126, 127]

/**
 * One write to the network for all that a connection is told within one turn of the event loop, where engine.io makes one for
 * each packet; and one piece of bytes for all that a room is told in it, the same for each of its sockets. Nothing waits longer
 * than that turn, and nothing is held but what was told in it.
 */
async function writeCoalescing (fastify: FastifyInstance) {
  const { config, io } = fastify
  const told = new Map<string, string[]>()
  const waiting = new Set<Connection>()
  let isDue = false
  let flush: () => void

  if (!config.socket.coalesceWrites) {
    fastify.decorate('tellRoom', (room, event, payload) => { (io.local.to(room) as unknown as { emit: (event: string, payload: unknown) => void }).emit(event, payload) })
    fastify.decorate('settleRoom', () => {})
    return
  }

  fastify.decorate('tellRoom', function tellRoom (room, event, payload) {
    if (!io.of('/').adapter.rooms.has(room)) return
    const texts = told.get(room) ?? []
    texts.push(EVENT + JSON.stringify([event, payload]))
    told.set(room, texts)
    endTurn()
  })

  fastify.decorate('settleRoom', function settleRoom (room) {
    const texts = told.get(room)
    if (texts === undefined) return
    told.delete(room)
    const { adapter: { rooms }, sockets } = io.of('/')
    const options = { wsPreEncodedFrame: [framesOf(texts)] }
    for (const id of rooms.get(room) ?? []) {
      const connection = sockets.get(id)?.conn as unknown as Connection | undefined
      if (connection === undefined) continue
      if (takesFrames(connection)) connection.write('', options)
      else for (const text of texts) connection.write(text)
    }
  })

  io.engine.on('connection', (connection: Connection) => {
    // Of the class, the same for all.
    flush = connection.flush
    connection.flush = flushLater
  })

  function flushLater (this: Connection) {
    // Somebody waits for the last words of a connection that closes.
    if (this.readyState !== 'open') return flush.call(this)
    waiting.add(this)
    endTurn()
  }

  function endTurn () {
    if (isDue) return
    isDue = true
    setImmediate(writeAll)
  }

  function writeAll () {
    for (const room of told.keys()) fastify.settleRoom(room)
    const connections = [...waiting]
    waiting.clear()
    isDue = false
    for (const connection of connections) {
      const wire = connection.transport.socket?._socket
      wire?.cork()
      flush.call(connection)
      wire?.uncork()
    }
  }
}

/** Who polls gets texts, and so does who has them compressed. */
const takesFrames = ({ transport }: Connection) => transport.name === 'websocket' && !transport.perMessageDeflate

/** Texts of Engine.IO, each behind its message type and in a WebSocket frame of its own, in one piece: nobody who gets it writes it anew. */
function framesOf (texts: readonly string[]): Buffer {
  const lengths = texts.map(text => MESSAGE.length + Buffer.byteLength(text))
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headOf(length) + length, 0))
  let at = 0
  for (const [index, text] of texts.entries()) {
    at = writeHead(frames, at, lengths[index]!)
    at += frames.write(MESSAGE, at, 'latin1')
    at += frames.write(text, at)
  }
  return frames
}

const headOf = (length: number) => length < TWO_BYTES ? 2 : length <= 0xffff ? 4 : 10

function writeHead (frames: Buffer, start: number, length: number): number {
  const at = frames.writeUInt8(TEXT, start)
  if (length < TWO_BYTES) return frames.writeUInt8(length, at)
  if (length <= 0xffff) return frames.writeUInt16BE(length, frames.writeUInt8(TWO_BYTES, at))
  return frames.writeBigUInt64BE(BigInt(length), frames.writeUInt8(EIGHT_BYTES, at))
}

export default fp(writeCoalescing, { name: 'write-coalescing', dependencies: ['config', 'io'] })

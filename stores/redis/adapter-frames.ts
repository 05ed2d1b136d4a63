import { parseJson } from './shapes.ts'

/*
 * What may reach the Socket.IO adapter from its channels: events to rooms, and what asks for no answer (join, leave,
 * disconnect, server-side events). Questions to other nodes (fetchSockets, acks across nodes) are not let through: they put
 * the tokens of all handshakes on the channel, and hang when a node is gone. All frames are JSON; nothing here is binary.
 */
type Fields = Record<string, unknown>

/** As the classic adapter numbers its requests, and the sharded one its messages. */
const CLASSIC = { join: 2, leave: 3, disconnect: 4, serverSide: 6 }
const SHARDED = { broadcast: 3, join: 4, leave: 5, disconnect: 6, serverSide: 9 }
const EVENT_PACKET = 2
/** A client would take these for its own, or break off. */
const RESERVED: readonly unknown[] = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every(item => typeof item === 'string')

function isEvent (packet: unknown, namespace?: string): boolean {
  if (!isFields(packet) || packet.type !== EVENT_PACKET || packet.id !== undefined || packet.attachments !== undefined) return false
  if (packet.nsp !== undefined && (typeof packet.nsp !== 'string' || (namespace !== undefined && packet.nsp !== namespace))) return false
  return Array.isArray(packet.data) && typeof packet.data[0] === 'string' && !RESERVED.includes(packet.data[0])
}

function isOptions (opts: unknown): boolean {
  return isFields(opts) && isStrings(opts.rooms) && isStrings(opts.except) && (opts.flags === undefined || isFields(opts.flags))
}

const isServerSide = (args: unknown) => Array.isArray(args) && typeof args[0] === 'string'

/** A broadcast of the classic adapter, `[sender, packet, options]`, or an empty list, which the adapter ignores. Never throws. */
export function decodeBroadcast (raw: Buffer): unknown[] {
  const frame = parseJson(raw.toString())
  const isSound = Array.isArray(frame) && typeof frame[0] === 'string' && isEvent(frame[1]) && isOptions(frame[2])
  return isSound ? frame : []
}

/** May the classic adapter have this from its request channel? Never throws. */
export function isSoundRequest (raw: Buffer): boolean {
  const request = parseJson(raw.toString())
  if (!isFields(request) || typeof request.uid !== 'string' || request.requestId !== undefined) return false
  switch (request.type) {
    case CLASSIC.join:
    case CLASSIC.leave: return isOptions(request.opts) && isStrings(request.rooms)
    case CLASSIC.disconnect: return isOptions(request.opts) && typeof request.close === 'boolean'
    case CLASSIC.serverSide: return isServerSide(request.data)
    default: return false
  }
}

/** May the sharded adapter have this from its channels? Never throws. */
export function isSoundMessage (raw: Buffer): boolean {
  const message = parseJson(raw.toString())
  if (!isFields(message) || typeof message.uid !== 'string' || typeof message.nsp !== 'string' || !isFields(message.data)) return false
  const { data } = message
  if (data.requestId !== undefined) return false
  switch (message.type) {
    case SHARDED.broadcast: return isEvent(data.packet, message.nsp) && isOptions(data.opts)
    case SHARDED.join:
    case SHARDED.leave: return isOptions(data.opts) && isStrings(data.rooms)
    case SHARDED.disconnect: return isOptions(data.opts) && (data.close === undefined || typeof data.close === 'boolean')
    case SHARDED.serverSide: return isServerSide(data.packet)
    default: return false
  }
}

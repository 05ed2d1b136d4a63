import type { Broadcast, Change } from './ports.ts'

/** Tells the sockets of this node of one change of the log. */
export function announce (broadcast: Broadcast, { kind, rev, message }: Change) {
  const { cafeId, id: messageId, seq, deletedAt } = message
  if (kind === 'created') return broadcast.local(cafeId, 'message:new', { message, rev })
  if (kind === 'updated') return broadcast.local(cafeId, 'message:updated', { message, rev })
  broadcast.local(cafeId, 'message:deleted', { cafeId, messageId, seq, rev: message.rev, deletedAt: deletedAt! })
}

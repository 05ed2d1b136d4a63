/*
 * Every key and channel, as a function. An operator who limits klatsch by ACL needs
 * `~cafe:* ~user:* ~klatsch:*` and `&klatsch:* &socket.io*`.
 */

/** LIST: newest messages, newest first, JSON as in REST. */
export const cafeMessages = (cafeId: string) => `cafe:${cafeId}:messages`

/** STRING `<rev> <seq>`: what the list is true at, and the seq of its head. */
export const cafeRev = (cafeId: string) => `cafe:${cafeId}:rev`

/** SET: ids of the users who are in the cafe. */
export const cafeUsers = (cafeId: string) => `cafe:${cafeId}:users`

/** ZSET of the same, all with score 0: in the order of their ids, for pages. */
export const cafeRoster = (cafeId: string) => `cafe:${cafeId}:roster`

/** HASH: user id to the number of nodes that have the user in the cafe. */
export const cafeHolders = (cafeId: string) => `cafe:${cafeId}:holders`

/** ZSET: word to the base-2 logarithm of its decayed score, on a time axis that runs forward. */
export const cafeTopics = (cafeId: string) => `cafe:${cafeId}:topics`

/** ZSET: stem to the time of the newest message that has it. */
export const cafeTopicsLast = (cafeId: string) => `cafe:${cafeId}:topics:last`

/** HASH: stem to the word that stands for it, and that word with a blank before it to the stem. */
export const cafeTopicsWords = (cafeId: string) => `cafe:${cafeId}:topics:words`

/** HASH `list`, `at`: the topics that were claimed last, and when. */
export const cafeTopicsShown = (cafeId: string) => `cafe:${cafeId}:topics:shown`

/** HASH: user id to `<message id> <time>`, the newest message of this user with a kept word. */
export const cafeTopicSaid = (cafeId: string, stem: string) => `cafe:${cafeId}:topics:said:${stem}`

/** ZSET `<user id> <message id>` by time: the messages with a kept word. */
export const cafeTopicMessages = (cafeId: string, stem: string) => `cafe:${cafeId}:topics:messages:${stem}`

/** HASH `status`, `lastSeen`, `cafeId`, `username`, `text`, `textUntil`. */
export const userPresence = (userId: string) => `user:${userId}:presence`

/** SET: ids of the cafes the user is in. */
export const userCafes = (userId: string) => `user:${userId}:cafes`

/** ZSET: node id to the end of its lease, epoch milliseconds by Redis TIME. */
export const nodeLeases = () => 'klatsch:nodes'

/** SET of `<cafe id> <user id>`: what a node holds. */
export const nodeEntries = (nodeId: string) => `klatsch:node:${nodeId}`

/** HASH `epoch`, `steps`, `done`: how far the entries of a node follow what the node asked for. */
export const nodeJournal = (nodeId: string) => `klatsch:node:${nodeId}:journal`

/** STRING: the highest version of an attendance so far. */
export const presenceVersion = () => 'klatsch:version'

/** STRING: when a bucket of a rate limit is full again, epoch microseconds. `of`: `user` or `cafe`, whose id it is. */
export const limitOf = (action: string, of: string, id: string) => `klatsch:limit:${action}:${of}:${id}`

/** STRING `<digest> <client id>`: the last content of a user in a cafe. */
export const repeatOf = (userId: string, cafeId: string) => `klatsch:repeat:${userId}:${cafeId}`

/** Channel of a cafe's notices. */
export const cafeChannel = (cafeId: string) => `klatsch:cafe:${cafeId}`

/** Channel of what every node must hear. */
export const alertsChannel = () => 'klatsch:alerts'

/** Channel on which a node listens for itself, over one of its connections. */
export const canaryChannel = (nodeId: string, connection: string) => `${canaryPrefix}${nodeId}:${connection}`
export const canaryPrefix = 'klatsch:canary:'

/** The cafe of a channel, or undefined if it is none of ours. */
export function cafeOfChannel (channel: string): string | undefined {
  const prefix = cafeChannel('')
  return channel.startsWith(prefix) ? channel.slice(prefix.length) : undefined
}

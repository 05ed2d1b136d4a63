import { lib } from './presence-lua.ts'
import { bind } from './scripts.ts'

/** changed, count, version */
type Step = [changed: number, userCount: number, version: number]

/**
 * The node has the user in the cafe. A node without a lease gets one.
 * ARGV[1] node, ARGV[2] lease in ms, ARGV[3] highest version the node has seen, ARGV[4] number of the step before, ARGV[5] of this step,
 * ARGV[6] cafe, ARGV[7] user, ARGV[8] name
 */
export const enterCafe = bind<Step>('PresenceEnter', `${lib}
follow(ARGV[1], ARGV[4], ARGV[5])
redis.call('ZADD', NODES, 'NX', after(ARGV[2]), ARGV[1])
local changed = take(ARGV[1], ARGV[6], ARGV[7], ARGV[8])
return { changed and 1 or 0, redis.call('SCARD', users(ARGV[6])), version(ARGV[3]) }
`)

/**
 * The node no longer has the user in the cafe. Without its entry nothing changes: it was reaped.
 * ARGV[1] node, ARGV[2] highest version the node has seen, ARGV[3] number of the step before, ARGV[4] of this step, ARGV[5] cafe, ARGV[6] user
 */
export const leaveCafe = bind<Step>('PresenceLeave', `${lib}
follow(ARGV[1], ARGV[3], ARGV[4])
local cafe, user = ARGV[5], ARGV[6]
local changed = redis.call('SREM', entries(ARGV[1]), cafe .. ' ' .. user) == 1 and drop(cafe, user, true)
return { changed and 1 or 0, redis.call('SCARD', users(cafe)), version(ARGV[2]) }
`)

/**
 * Renews the lease, reaps what others left behind. Answers whether the node's entries are exactly what it asked for
 * (1 or 0), then cafe, user, name, count, version of each who is gone.
 * ARGV[1] node, ARGV[2] lease in ms, ARGV[3] highest version the node has seen, ARGV[4] epoch, ARGV[5] number of the last step,
 * ARGV[6] entries to reap at most
 */
export const beatNode = bind<[known: number, ...departed: Array<string | number>]>('PresenceBeat', `${lib}
redis.call('ZADD', NODES, after(ARGV[2]), ARGV[1])
local state = redis.call('HMGET', journal(ARGV[1]), 'epoch', 'steps', 'done')
local out = { state[1] == ARGV[4] and state[2] == ARGV[5] and state[3] == '1' and 1 or 0 }
local left = tonumber(ARGV[6])
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', NODES, '-inf', millis(), 'LIMIT', 0, 16)) do
  if left > 0 then left = left - empty(dead, left, ARGV[3], out) end
end
return out
`)

/**
 * Begins to make the entries of a node exact.
 * ARGV[1] node, ARGV[2] lease in ms, ARGV[3] epoch: a name of this attempt, ARGV[4] number of the last step
 */
export const beginSync = bind<number>('PresenceSyncBegin', `${lib}
redis.call('ZADD', NODES, after(ARGV[2]), ARGV[1])
redis.call('DEL', journal(ARGV[1]))
redis.call('HSET', journal(ARGV[1]), 'epoch', ARGV[3], 'steps', ARGV[4])
return 1
`)

/**
 * A piece of a sync. Answers 0 if another sync began, the node was reaped or the store was emptied meanwhile, else 1; then
 * index, name, count, version of each entry that changed its cafe.
 * ARGV[1] node, ARGV[2] epoch, ARGV[3] highest version the node has seen, ARGV[4] '1' with the last piece,
 * then for each entry: 'join' or 'leave', cafe, user, name
 */
export const syncPiece = bind<[ok: number, ...changed: Array<string | number>]>('PresenceSyncPiece', `${lib}
local node = ARGV[1]
if redis.call('HGET', journal(node), 'epoch') ~= ARGV[2] then return { 0 } end
local out = { 1 }
for i = 5, #ARGV, 4 do
  local cafe, user = ARGV[i + 1], ARGV[i + 2]
  local changed
  if ARGV[i] == 'join' then changed = take(node, cafe, user, ARGV[i + 3])
  else changed = redis.call('SREM', entries(node), cafe .. ' ' .. user) == 1 and drop(cafe, user, true) end
  if changed then
    for _, field in ipairs({ (i - 5) / 4, name(user), redis.call('SCARD', users(cafe)), version(ARGV[3]) }) do table.insert(out, field) end
  end
end
if ARGV[4] == '1' then redis.call('HSET', journal(node), 'done', '1') end
return out
`)

/**
 * Gives up entries of the node, and its lease with the last; the last node also those of nodes that gave up before. Answers how many it took, then cafe, user, name, count, version of
 * each who is gone.
 * ARGV[1] node, ARGV[2] highest version the node has seen, ARGV[3] entries to give up at most
 */
export const releaseNode = bind<[taken: number, ...departed: Array<string | number>]>('PresenceRelease', `${lib}
local out, limit = { 0 }, tonumber(ARGV[3])
local taken = empty(ARGV[1], limit, ARGV[2], out)
-- What was handed over to this node would have nobody after it.
local orphaned = isAccompanied(ARGV[1]) and {} or redis.call('ZRANGE', NODES, 0, -1)
for _, other in ipairs(orphaned) do
  if taken < limit and givesUp(other) then taken = taken + empty(other, limit - taken, ARGV[2], out) end
end
out[1] = taken
return out
`)

/**
 * Ends the lease later, so that the others reap the node then. Answers 0 without another node that is alive.
 * ARGV[1] node, ARGV[2] ms until then
 */
export const handOverNode = bind<number>('PresenceHandOver', `${lib}
if not isAccompanied(ARGV[1]) then return 0 end
redis.call('DEL', journal(ARGV[1]))
redis.call('HSET', journal(ARGV[1]), 'over', '1')
redis.call('ZADD', NODES, after(ARGV[2]), ARGV[1])
return 1
`)

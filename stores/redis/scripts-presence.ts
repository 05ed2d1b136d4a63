import { cafeHolders, cafeUsers, nodeEntries, nodeJournal, nodeLeases, presenceVersion, userCafes, userPresence } from './keys.ts'
import { bind, keyInLua } from './scripts.ts'

/*
 * The truth of presence is what nodes hold (`klatsch:node:{id}`); a cafe's holders, its SET of users and a user's HASH follow
 * from it within the same script. A node's entry counts once in `holders`, a user once in the SET.
 * The scripts find keys by themselves, because a reaper cannot know what a dead node held: one server or Sentinel, not a cluster.
 */
const lib = `
local NODES, VERSION = ${keyInLua(nodeLeases)}, ${keyInLua(presenceVersion)}
local OFFLINE_LIFE = 30 * 24 * 3600 * 1000
local function users (cafe) return ${keyInLua(cafeUsers, 'cafe')} end
local function holders (cafe) return ${keyInLua(cafeHolders, 'cafe')} end
local function presence (user) return ${keyInLua(userPresence, 'user')} end
local function cafes (user) return ${keyInLua(userCafes, 'user')} end
local function entries (node) return ${keyInLua(nodeEntries, 'node')} end
local function journal (node) return ${keyInLua(nodeJournal, 'node')} end
local function text (number) return string.format('%.0f', number) end

local function micros ()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function millis () return text(math.floor(micros() / 1000)) end

-- Above every version that this store or the calling node (floor) has seen, even if the clock went back.
local function version (floor)
  local last = tonumber(redis.call('GET', VERSION) or '') or 0
  local next = math.max(micros(), last + 1, (tonumber(floor) or 0) + 1)
  redis.call('SET', VERSION, text(next))
  return next
end

local function after (ms) return text(tonumber(millis()) + ms) end

-- The node has the user in the cafe. True: nobody had before.
local function take (node, cafe, user, name)
  local new = redis.call('SADD', entries(node), cafe .. ' ' .. user) == 1
  local first = new and redis.call('HINCRBY', holders(cafe), user, 1) == 1
  if first then redis.call('SADD', users(cafe), user) end
  redis.call('SADD', cafes(user), cafe)
  local status = redis.call('HGET', presence(user), 'status')
  if not status or status == 'offline' then status = 'online' end
  redis.call('HSET', presence(user), 'status', status, 'lastSeen', millis(), 'cafeId', cafe, 'username', name)
  redis.call('PERSIST', presence(user))
  return first
end

-- One node less has the user in the cafe; its entry is gone already. True: nobody has now.
local function drop (cafe, user)
  if redis.call('HINCRBY', holders(cafe), user, -1) > 0 then return false end
  redis.call('HDEL', holders(cafe), user)
  redis.call('SREM', users(cafe), user)
  redis.call('SREM', cafes(user), cafe)
  redis.call('HSET', presence(user), 'lastSeen', millis())
  local other = redis.call('SRANDMEMBER', cafes(user))
  if not other then
    redis.call('HSET', presence(user), 'status', 'offline')
    redis.call('HDEL', presence(user), 'cafeId')
    redis.call('PEXPIRE', presence(user), OFFLINE_LIFE)
  elseif redis.call('HGET', presence(user), 'cafeId') == cafe then
    redis.call('HSET', presence(user), 'cafeId', other)
  end
  return true
end

-- Follows one numbered step of the node. Once a step is missing the journal never catches up: the node is not known any more.
local function follow (node, previous, step)
  if redis.call('HGET', journal(node), 'steps') == previous then redis.call('HSET', journal(node), 'steps', step) end
end

local function name (user) return redis.call('HGET', presence(user), 'username') or '' end

-- Takes up to 'limit' entries from a node that gives up or is dead; appends who is gone to 'out'.
local function empty (node, limit, floor, out)
  redis.call('DEL', journal(node))
  local taken = redis.call('SPOP', entries(node), limit)
  for _, entry in ipairs(taken) do
    local cafe, user = string.match(entry, '^(%S+) (%S+)$')
    if cafe and drop(cafe, user) then
      for _, field in ipairs({ cafe, user, name(user), redis.call('SCARD', users(cafe)), version(floor) }) do table.insert(out, field) end
    end
  end
  if redis.call('EXISTS', entries(node)) == 0 then redis.call('ZREM', NODES, node) end
  return #taken
end
`

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
local changed = redis.call('SREM', entries(ARGV[1]), cafe .. ' ' .. user) == 1 and drop(cafe, user)
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
  else changed = redis.call('SREM', entries(node), cafe .. ' ' .. user) == 1 and drop(cafe, user) end
  if changed then
    for _, field in ipairs({ (i - 5) / 4, name(user), redis.call('SCARD', users(cafe)), version(ARGV[3]) }) do table.insert(out, field) end
  end
end
if ARGV[4] == '1' then redis.call('HSET', journal(node), 'done', '1') end
return out
`)

/**
 * Gives up entries of the node, and its lease with the last. Answers how many it took, then cafe, user, name, count, version of
 * each who is gone.
 * ARGV[1] node, ARGV[2] highest version the node has seen, ARGV[3] entries to give up at most
 */
export const releaseNode = bind<[taken: number, ...departed: Array<string | number>]>('PresenceRelease', `${lib}
local out = { 0 }
out[1] = empty(ARGV[1], ARGV[3], ARGV[2], out)
return out
`)

/**
 * Sets the status of a user. Answers the time in ms, then the cafes the user is in.
 * ARGV[1] user, ARGV[2] name, ARGV[3] status
 */
export const setUserStatus = bind<[lastSeen: string, ...cafeIds: string[]]>('PresenceStatus', `${lib}
local user, now = ARGV[1], millis()
redis.call('HSET', presence(user), 'status', ARGV[3], 'lastSeen', now, 'username', ARGV[2])
local list = redis.call('SMEMBERS', cafes(user))
if #list == 0 then redis.call('PEXPIRE', presence(user), OFFLINE_LIFE) else redis.call('PERSIST', presence(user)) end
table.insert(list, 1, now)
return list
`)

/**
 * The number of users in a cafe, then id, name, status, lastSeen of some.
 * ARGV[1] cafe, ARGV[2] how many at most
 */
export const cafeMembers = bind<[userCount: number, ...members: Array<string | null>]>('PresenceMembers', `${lib}
local key, limit = users(ARGV[1]), tonumber(ARGV[2])
local out, cursor, seen, found = { redis.call('SCARD', key) }, '0', {}, 0
repeat
  local page = redis.call('SSCAN', key, cursor, 'COUNT', math.max(limit, 10))
  cursor = page[1]
  for _, user in ipairs(page[2]) do
    if found < limit and not seen[user] then
      seen[user], found = true, found + 1
      table.insert(out, user)
      for _, value in ipairs(redis.call('HMGET', presence(user), 'username', 'status', 'lastSeen')) do table.insert(out, value) end
    end
  end
until cursor == '0' or found >= limit
return out
`)

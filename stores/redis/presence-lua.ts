import { cafeHolders, cafeRoster, cafeUsers, nodeEntries, nodeJournal, nodeLeases, presenceVersion, userCafes, userPresence } from './keys.ts'
import { keyInLua } from './scripts.ts'

/*
 * The truth of presence is what nodes hold (`klatsch:node:{id}`); a cafe's holders, its SET of users and a user's HASH follow
 * from it within the same script. A node's entry counts once in `holders`, a user once in the SET.
 * The scripts find keys by themselves, because a reaper cannot know what a dead node held: one server or Sentinel, not a cluster.
 */
/** What the scripts of presence have in common. */
export const lib = `
local NODES, VERSION = ${keyInLua(nodeLeases)}, ${keyInLua(presenceVersion)}
local OFFLINE_LIFE = 30 * 24 * 3600 * 1000
local function users (cafe) return ${keyInLua(cafeUsers, 'cafe')} end
local function roster (cafe) return ${keyInLua(cafeRoster, 'cafe')} end
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
  if first then
    redis.call('SADD', users(cafe), user)
    redis.call('ZADD', roster(cafe), 0, user)
  end
  redis.call('SADD', cafes(user), cafe)
  local status = redis.call('HGET', presence(user), 'status')
  if not status or status == 'offline' then status = 'online' end
  redis.call('HSET', presence(user), 'status', status, 'lastSeen', millis(), 'cafeId', cafe, 'username', name)
  redis.call('PERSIST', presence(user))
  return first
end

-- One node less has the user in the cafe; its entry is gone already. True: nobody has now. Going is something that a user does,
-- being reaped is not.
local function drop (cafe, user, goes)
  if redis.call('HINCRBY', holders(cafe), user, -1) > 0 then return false end
  redis.call('HDEL', holders(cafe), user)
  redis.call('SREM', users(cafe), user)
  redis.call('ZREM', roster(cafe), user)
  redis.call('SREM', cafes(user), cafe)
  if goes then redis.call('HSET', presence(user), 'lastSeen', millis()) end
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

-- name, status, lastSeen, text and its end; a text that has ended is none.
local function said (user, now)
  local fields = redis.call('HMGET', presence(user), 'username', 'status', 'lastSeen', 'text', 'textUntil')
  if (tonumber(fields[5] or '') or 0) <= now then fields[4], fields[5] = false, false end
  return fields
end

local function append (out, fields)
  for i = 1, 5 do table.insert(out, fields[i]) end
end

-- Has the node said that it will not serve any more? One that has just begun has no journal yet, and serves.
local function givesUp (node) return redis.call('HEXISTS', journal(node), 'over') == 1 end

-- Is another node alive that serves?
local function isAccompanied (node)
  for _, other in ipairs(redis.call('ZRANGEBYSCORE', NODES, '(' .. millis(), '+inf')) do
    if other ~= node and not givesUp(other) then return true end
  end
  return false
end

local function name (user) return redis.call('HGET', presence(user), 'username') or '' end

-- Takes up to 'limit' entries from a node that gives up or is dead; appends who is gone to 'out'. What it has said of itself stands
-- until the last entry is gone.
local function empty (node, limit, floor, out)
  if not givesUp(node) then redis.call('DEL', journal(node)) end
  local taken = redis.call('SPOP', entries(node), limit)
  for _, entry in ipairs(taken) do
    local cafe, user = string.match(entry, '^(%S+) (%S+)$')
    if cafe and drop(cafe, user) then
      for _, field in ipairs({ cafe, user, name(user), redis.call('SCARD', users(cafe)), version(floor) }) do table.insert(out, field) end
    end
  end
  if redis.call('EXISTS', entries(node)) == 0 then
    redis.call('ZREM', NODES, node)
    redis.call('DEL', journal(node))
  end
  return #taken
end
`

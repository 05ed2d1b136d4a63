import { lib } from './presence-lua.ts'
import { bind } from './scripts.ts'

/**
 * Sets the status of a user. Answers name, status, lastSeen, text, end of the text, then the cafes the user is in.
 * ARGV[1] user, ARGV[2] name, ARGV[3] status, ARGV[4] 'keep' or 'set', ARGV[5] text, ARGV[6] how long it stands, ms
 */
export const setUserStatus = bind<Array<string | null>>('PresenceStatus', `${lib}
local user, now = ARGV[1], millis()
redis.call('HSET', presence(user), 'status', ARGV[3], 'lastSeen', now, 'username', ARGV[2])
if ARGV[4] == 'set' then
  if ARGV[5] == '' then redis.call('HDEL', presence(user), 'text', 'textUntil')
  else redis.call('HSET', presence(user), 'text', ARGV[5], 'textUntil', after(ARGV[6])) end
end
local list = redis.call('SMEMBERS', cafes(user))
if #list == 0 then redis.call('PEXPIRE', presence(user), OFFLINE_LIFE) else redis.call('PERSIST', presence(user)) end
local out = {}
append(out, said(user, tonumber(now)))
for _, cafe in ipairs(list) do table.insert(out, cafe) end
return out
`)

/**
 * Users did something.
 * ARGV: for each: id, name
 */
export const touchUsers = bind<number>('PresenceTouch', `${lib}
local now = millis()
for i = 1, #ARGV, 2 do
  local key = presence(ARGV[i])
  redis.call('HSET', key, 'lastSeen', now, 'username', ARGV[i + 1])
  if redis.call('EXISTS', cafes(ARGV[i])) == 0 then
    redis.call('HSETNX', key, 'status', 'offline')
    redis.call('PEXPIRE', key, OFFLINE_LIFE)
  end
end
return 1
`)

/**
 * The number of users in a cafe, then id, name, status, lastSeen, text, end of the text of some, by id.
 * ARGV[1] cafe, ARGV[2] how many at most, ARGV[3] only after this id, or ''
 */
export const cafeMembers = bind<[userCount: number, ...members: Array<string | null>]>('PresenceMembers', `${lib}
local now = tonumber(millis())
local out = { redis.call('SCARD', users(ARGV[1])) }
local from = ARGV[3] == '' and '-' or '(' .. ARGV[3]
for _, user in ipairs(redis.call('ZRANGEBYLEX', roster(ARGV[1]), from, '+', 'LIMIT', 0, ARGV[2])) do
  table.insert(out, user)
  append(out, said(user, now))
end
return out
`)

/**
 * For each user: 1 if they are in a cafe, else 0; then name, status, lastSeen, text, end of the text.
 * ARGV: users
 */
export const findUsers = bind<Array<string | number | null>>('PresenceFind', `${lib}
local now, out = tonumber(millis()), {}
for _, user in ipairs(ARGV) do
  table.insert(out, redis.call('EXISTS', cafes(user)))
  append(out, said(user, now))
end
return out
`)

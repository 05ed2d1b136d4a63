import { cafeTopicSaid } from './keys.ts'
import { bind, keyInLua } from './scripts.ts'

/*
 * A score is log2 of the decayed count on an axis that runs forward: a mention at `t` weighs 2^(t / half), and logarithms are
 * added, since the plain weight overflows a double after 1024 half-lives. Nothing is rewritten as time passes.
 */
const lib = `
local function log2 (x) return math.log(x) / math.log(2) end
local function text (number) return string.format('%.17g', number) end
local function said (cafe, word) return ${keyInLua(cafeTopicSaid, 'cafe', 'word')} end
local function score (word) return tonumber(redis.call('ZSCORE', KEYS[1], word) or '') end
`

/**
 * Counts the words of one mention.
 * KEYS[1] topics
 * ARGV[1] cafe, ARGV[2] time of the message in ms, ARGV[3] half-life in ms, ARGV[4] expiry in ms, ARGV[5] words kept,
 * ARGV[6] user, ARGV[7] message, then the words
 */
export const addMention = bind<null>('TopicsAdd', `${lib}
local cafe, at, half, expiry, kept, user, message = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local weight = at / half

for i = 8, #ARGV do
  local word = ARGV[i]
  local key, now = said(cafe, word), score(word)
  if not now then redis.call('DEL', key) end
  local before = tonumber(string.match(redis.call('HGET', key, user) or '', ' (%S+)$') or '')
  if not before or at - before >= half then
    local sum = weight
    if now then sum = math.max(now, weight) + log2(1 + 2 ^ -math.abs(now - weight)) end
    redis.call('ZADD', KEYS[1], text(sum), word)
    redis.call('HSET', key, user, message .. ' ' .. ARGV[2])
    redis.call('PEXPIRE', key, expiry)
    -- A word that never rests must not remember everybody for ever: now and then look at some, forget those who are long past.
    local sample = at % 8 < 1 and redis.call('HRANDFIELD', key, 32, 'WITHVALUES') or {}
    for j = 1, #sample, 2 do
      local time = tonumber(string.match(sample[j + 1], ' (%S+)$') or '')
      if not time or at - time > tonumber(expiry) then redis.call('HDEL', key, sample[j]) end
    end
  end
end

local over = redis.call('ZCARD', KEYS[1]) - kept
if over > 0 then
  local weakest = redis.call('ZPOPMIN', KEYS[1], over)
  for i = 1, #weakest, 2 do redis.call('DEL', said(cafe, weakest[i])) end
end

-- Kept until the strongest word has faded, and a half-life more.
local strongest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if strongest[2] then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(5, tonumber(strongest[2]) + 5 - weight) * half)) end
return false
`)

/**
 * Takes back what one message added.
 * KEYS[1] topics
 * ARGV[1] cafe, ARGV[2] half-life in ms, ARGV[3] user, ARGV[4] message, then the words
 */
export const removeMention = bind<null>('TopicsRemove', `${lib}
-- A rest this small (less than a mention after three expiries) is what rounding left.
local NOTHING = 1e-4
local cafe, half, user = ARGV[1], tonumber(ARGV[2]), ARGV[3]

for i = 5, #ARGV do
  local word = ARGV[i]
  local key, now = said(cafe, word), score(word)
  local message, time = string.match(redis.call('HGET', key, user) or '', '^(%S+) (%S+)$')
  if message == ARGV[4] then
    redis.call('HDEL', key, user)
    local above = now and now - tonumber(time) / half or 0
    if above > NOTHING then redis.call('ZADD', KEYS[1], text(now + log2(1 - 2 ^ -above)), word)
    else
      redis.call('ZREM', KEYS[1], word)
      redis.call('DEL', key)
    end
  end
end
return false
`)

/**
 * Claims the list for the caller. Answers 1 if the caller got it or else 0, the milliseconds after which to ask again (-1: nothing
 * will change by itself), then the words if it got them.
 * KEYS[1] topics, KEYS[2] what was claimed last
 * ARGV[1] now in ms, ARGV[2] half-life in ms, ARGV[3] half-lives in which one mention fades, ARGV[4] words at most,
 * ARGV[5] milliseconds between two claims
 */
export const claimList = bind<[claimed: number, againIn: number, ...words: string[]]>('TopicsClaim', `${lib}
local now, half, fades, pause = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local found = redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', text(now / half - fades), 'WITHSCORES', 'LIMIT', 0, ARGV[4])
local words = {}
for i = 1, #found, 2 do table.insert(words, found[i]) end

-- Weaker words fade before the weakest of the list and change nothing in it.
local function fading (score) return (tonumber(score) + fades) * half - now end
local again = #words > 0 and math.floor(fading(found[#found])) + 1 or -1
local list = cjson.encode(words)
local shown, at = unpack(redis.call('HMGET', KEYS[2], 'list', 'at'))
if list == (shown or '{}') then return { 0, again } end
local waited = now - (tonumber(at or '') or now - pause)
if waited < pause then return { 0, math.min(pause, pause - waited) } end

redis.call('HSET', KEYS[2], 'list', list, 'at', ARGV[1])
local life = (#words > 0 and fading(found[2]) or 0) + fades * half + pause
redis.call('PEXPIRE', KEYS[2], string.format('%.0f', life))
return { 1, again, unpack(words) }
`)

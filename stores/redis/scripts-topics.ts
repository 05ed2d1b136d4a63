import { cafeTopicMessages, cafeTopicSaid } from './keys.ts'
import { bind, keyInLua } from './scripts.ts'

/*
 * A score is log2 of the decayed sum on an axis that runs forward: a mention at `t` weighs 2^(t / half), and logarithms are
 * added, since the plain weight overflows a double after 1024 half-lives. Nothing is rewritten as time passes.
 *
 * KEYS[1] scores by shown form, KEYS[2] newest mention by stem, KEYS[3] from stem to shown form and, behind a blank, back
 * ARGV[1] cafe, ARGV[2] half-life in ms, ARGV[3] expiry in ms, ARGV[4] steps of a score that are told apart
 */
const lib = `
local cafe, half, expiry, steps = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function log2 (x) return math.log(x) / math.log(2) end
local function text (number) return string.format('%.17g', number) end
local function step (score) return math.floor(score * steps + 0.5) end
local function saidKey (stem) return ${keyInLua(cafeTopicSaid, 'cafe', 'stem')} end
local function messagesKey (stem) return ${keyInLua(cafeTopicMessages, 'cafe', 'stem')} end
local function parse (pair) return string.match(pair or '', '^(%S+) (%S+)$') end

-- By bytes: the operator compares by the locale of the server.
local function isBefore (a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

local function forget (stem)
  local shown = redis.call('HGET', KEYS[3], stem)
  if shown then
    redis.call('ZREM', KEYS[1], shown)
    redis.call('HDEL', KEYS[3], stem, ' ' .. shown)
  end
  redis.call('ZREM', KEYS[2], stem)
  redis.call('DEL', saidKey(stem), messagesKey(stem))
end

-- Redis may lose one key and keep the others: what remains begins anew.
local function mend ()
  local count = redis.call('ZCARD', KEYS[1])
  if redis.call('ZCARD', KEYS[2]) ~= count or redis.call('HLEN', KEYS[3]) ~= 2 * count then redis.call('DEL', KEYS[1], KEYS[2], KEYS[3]) end
end

-- The strongest words that were said since then, at most so many; equal ones as ZREVRANGE has them.
local function strongest (limit, since)
  local words, from = {}, 0
  repeat
    local chunk = redis.call('ZREVRANGE', KEYS[1], from, from + limit, 'WITHSCORES')
    for i = 1, #chunk, 2 do
      local score = tonumber(chunk[i + 1])
      -- Behind the last place may stand equals of it, of which another comes first.
      if #words >= limit and step(score) < words[limit].step then chunk = {} break end
      local stem = redis.call('HGET', KEYS[3], ' ' .. chunk[i])
      local messages = stem and redis.call('ZCOUNT', messagesKey(stem), text(since), '+inf') or 0
      if messages > 0 then table.insert(words, { text = chunk[i], stem = stem, score = chunk[i + 1], step = step(score), messages = messages }) end
    end
    from = from + limit + 1
  until #chunk == 0
  table.sort(words, function (a, b)
    if a.step ~= b.step then return a.step > b.step end
    return isBefore(b.text, a.text)
  end)
  for i = #words, limit + 1, -1 do table.remove(words, i) end
  return words
end
`

/**
 * Counts the words of one message.
 * KEYS[1] to KEYS[3], ARGV[1] to ARGV[4]: see above
 * ARGV[5] time of the message in ms, ARGV[6] words that may be shown, ARGV[7] words kept, ARGV[8] messages kept of a word,
 * ARGV[9] user, ARGV[10] message, then stem and form of each word
 */
export const addMention = bind<null>('TopicsAdd', `${lib}
local at, shownMost, kept, most, user, message = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], ARGV[10]

-- What is shown of a word: the shortest of its forms, of equally short ones the first. Its score moves with it.
local function show (stem, form)
  local shown = redis.call('HGET', KEYS[3], stem)
  if shown and (#shown < #form or #shown == #form and not isBefore(form, shown)) then return shown end
  if shown then
    local score = redis.call('ZSCORE', KEYS[1], shown)
    redis.call('ZREM', KEYS[1], shown)
    redis.call('HDEL', KEYS[3], ' ' .. shown)
    redis.call('ZADD', KEYS[1], score, form)
  end
  redis.call('HSET', KEYS[3], stem, form, ' ' .. form, stem)
  return form
end

local function count (stem, form)
  local said, messages = saidKey(stem), messagesKey(stem)
  if redis.call('HEXISTS', KEYS[3], stem) == 0 or redis.call('EXISTS', said, messages) < 2 then forget(stem) end
  if redis.call('ZADD', messages, 'NX', ARGV[5], user .. ' ' .. message) == 0 then return end
  local shown = show(stem, form)
  local before = tonumber(redis.call('ZSCORE', KEYS[1], shown) or '')
  local newest = math.max(at, tonumber(redis.call('ZSCORE', KEYS[2], stem) or '') or at)

  -- All weights relative to one that is close, so that none overflows.
  local near = before or at / half
  local sum = before and 1 or 0
  local function weigh (time) return 2 ^ (time / half - near) end
  local _, time = parse(redis.call('HGET', said, user))
  time = tonumber(time or '')
  if not time or time <= at then
    redis.call('HSET', said, user, message .. ' ' .. ARGV[5])
    sum = sum + weigh(at) - (time and weigh(time) or 0)
  end
  local over = math.max(redis.call('ZCOUNT', messages, '-inf', '(' .. text(newest - expiry)), redis.call('ZCARD', messages) - most)
  local gone = over > 0 and redis.call('ZRANGE', messages, 0, over - 1) or {}
  if over > 0 then redis.call('ZREMRANGEBYRANK', messages, 0, over - 1) end
  for i = 1, #gone do
    local who, which = parse(gone[i])
    local counted, when = parse(redis.call('HGET', said, who))
    if counted == which then
      redis.call('HDEL', said, who)
      sum = sum - weigh(tonumber(when))
    end
  end

  -- Never less than its newest message alone: what would be is rounding.
  redis.call('ZADD', KEYS[1], text(near + log2(math.max(sum, weigh(newest)))), shown)
  redis.call('ZADD', KEYS[2], text(newest), stem)
  for _, key in ipairs({ said, messages }) do redis.call('PEXPIRE', key, string.format('%.0f', expiry + half)) end
end

mend()
local faded = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. text(at - expiry))
for i = 1, #faded do forget(faded[i]) end
for i = 11, #ARGV, 2 do count(ARGV[i], ARGV[i + 1]) end

-- Of the words that are too many those go that were said longest ago, but none of the strongest.
local over = redis.call('ZCARD', KEYS[2]) - kept
if over > 0 then
  local oldest = redis.call('ZRANGE', KEYS[2], 0, over + shownMost - 1)
  for i = 1, #oldest do
    if over == 0 then break end
    local shown = redis.call('HGET', KEYS[3], oldest[i])
    if (shown and redis.call('ZREVRANK', KEYS[1], shown) or shownMost) >= shownMost then
      forget(oldest[i])
      over = over - 1
    end
  end
end

for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], string.format('%.0f', expiry + half)) end
return false
`)

/**
 * Takes back what one message added.
 * KEYS[1] to KEYS[3], ARGV[1] to ARGV[4]: see above
 * ARGV[5] user, ARGV[6] message, then the stems of its words
 */
export const removeMention = bind<null>('TopicsRemove', `${lib}
local user, message = ARGV[5], ARGV[6]

-- The newest message of this user that is left, if any is.
local function fallBack (said, messages)
  redis.call('HDEL', said, user)
  for i = #messages - 1, 1, -2 do
    local who, which = parse(messages[i])
    if who == user then return redis.call('HSET', said, user, which .. ' ' .. messages[i + 1]) end
  end
end

local function takeBack (stem)
  local said, list, shown = saidKey(stem), messagesKey(stem), redis.call('HGET', KEYS[3], stem)
  if not shown or redis.call('ZREM', list, user .. ' ' .. message) == 0 then return end
  local messages = redis.call('ZRANGE', list, 0, -1, 'WITHSCORES')
  if #messages == 0 then return forget(stem) end
  if parse(redis.call('HGET', said, user)) == message then fallBack(said, messages) end

  -- From the beginning: what adding and taking away left of rounding ends here.
  local newest, sum = tonumber(messages[#messages]), 0
  local latest = redis.call('HVALS', said)
  for i = 1, #latest do
    local _, time = parse(latest[i])
    sum = sum + 2 ^ ((tonumber(time) - newest) / half)
  end
  redis.call('ZADD', KEYS[1], text(newest / half + log2(math.max(sum, 1))), shown)
  redis.call('ZADD', KEYS[2], text(newest), stem)
end

mend()
for i = 7, #ARGV do takeBack(ARGV[i]) end
return false
`)

/**
 * The strongest words: each with its score as text, since Redis would cut off the decimals, and the messages that have it.
 * KEYS[1] to KEYS[3], ARGV[1] to ARGV[4]: see above
 * ARGV[5] now in ms, ARGV[6] words at most
 */
export const readList = bind<Array<[topic: string, score: string, messages: number]>>('TopicsRead', `${lib}
local answer = {}
for _, word in ipairs(strongest(tonumber(ARGV[6]), tonumber(ARGV[5]) - expiry)) do
  table.insert(answer, { word.text, word.score, word.messages })
end
return answer
`)

/**
 * Claims the list for the caller. Answers 1 if the caller got it or else 0, the milliseconds after which to ask again (-1: nothing
 * will change by itself), then the words if it got them.
 * KEYS[1] to KEYS[3], ARGV[1] to ARGV[4]: see above; KEYS[4] what was claimed last
 * ARGV[5] now in ms, ARGV[6] words at most, ARGV[7] milliseconds between two claims
 */
export const claimList = bind<[claimed: number, againIn: number, ...words: string[]]>('TopicsClaim', `${lib}
local now, pause = tonumber(ARGV[5]), tonumber(ARGV[7])
local words, first, last = {}, nil, now
for _, word in ipairs(strongest(tonumber(ARGV[6]), now - expiry)) do
  table.insert(words, word.text)
  local newest = tonumber(redis.call('ZSCORE', KEYS[2], word.stem) or '') or now
  first, last = math.min(first or newest, newest), math.max(last, newest)
end

-- Scores keep their order as they fade: only a word that goes changes the list by itself.
local again = first and math.floor(first + expiry - now) + 1 or -1
local list = cjson.encode(words)
local shown, at = unpack(redis.call('HMGET', KEYS[4], 'list', 'at'))
if list == (shown or '{}') then return { 0, again } end
local waited = now - (tonumber(at or '') or now - pause)
if waited < pause then return { 0, math.min(pause, pause - waited) } end

redis.call('HSET', KEYS[4], 'list', list, 'at', ARGV[5])
redis.call('PEXPIRE', KEYS[4], string.format('%.0f', last - now + 2 * expiry + pause))
return { 1, again, unpack(words) }
`)

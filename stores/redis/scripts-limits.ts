import { bind } from './scripts.ts'

/*
 * Buckets of tokens. Of each only the time is kept when it will be full again, in microseconds of Redis TIME; a key ends
 * at that moment, as a bucket that is not there is a full one. What is no time counts for none, and a time that lies too
 * far ahead (other rates, a clock that went back) for an empty bucket.
 */
const lib = `
local clock = redis.call('TIME')
local now, window = clock[1] * 1000000 + clock[2], ARGV[1] * 1000
local function pause (i) return math.max(1, math.floor(window / ARGV[i + 1])) end
local function keep (i, at)
  if at <= now then return redis.call('DEL', KEYS[i]) end
  redis.call('SET', KEYS[i], string.format('%.0f', at), 'PX', math.ceil((at - now) / 1000))
end
local function full (i)
  local at, latest = tonumber(redis.call('GET', KEYS[i]) or '') or now, now + pause(i) * ARGV[i + 1]
  if at > latest then keep(i, latest) end
  return math.min(math.max(at, now), latest)
end
`

/**
 * Takes one from each bucket if each has one, else from none.
 * KEYS buckets
 * ARGV[1] window in ms, then for each bucket how many it holds
 * Answers for each the milliseconds until it has one, 0 for one that has.
 */
export const takeTokens = bind<number[]>('LimitTake', `${lib}
local waits, ends, short = {}, {}, false
for i = 1, #KEYS do
  ends[i] = full(i) + pause(i)
  waits[i] = math.max(0, math.ceil((ends[i] - now - pause(i) * ARGV[i + 1]) / 1000))
  short = short or waits[i] > 0
end
if not short then for i = 1, #KEYS do keep(i, ends[i]) end end
return waits
`)

/**
 * Puts one back into each bucket; a full one stays as it is.
 * KEYS and ARGV as above
 */
export const giveTokensBack = bind<number[]>('LimitGiveBack', `${lib}
for i = 1, #KEYS do keep(i, full(i) - pause(i)) end
return {}
`)

import { scripts } from './scripts.ts'

/**
 * Counts in a window that begins with the first count; rate-limiter-flexible calls it. Unlike the package's own
 * script it does not let a window begin below zero, so what is given back too late is no credit.
 * KEYS[1] counter
 * ARGV[1] points to add, ARGV[2] seconds of a window
 * Answers the points in the window and the milliseconds until it ends.
 */
export const countInWindow = `
local points = tonumber(ARGV[1])
local held = tonumber(redis.call('GET', KEYS[1]) or '') or 0
if points < 0 and held <= 0 then return { 0, 0 } end
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = 1000 * ARGV[2]
  redis.call('PEXPIRE', KEYS[1], left)
end
return { count, left }
`

// The name is the package's, which defines the command once more when a bucket is made: by then it may be too late.
scripts.rlflxIncr = { lua: countInWindow, numberOfKeys: 1 }

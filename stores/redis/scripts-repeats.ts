import { bind } from './scripts.ts'

/**
 * Checks a content and records it if it is another one. Answers 0 if it may pass, else the milliseconds to wait.
 * KEYS[1] record '<digest> <client id>'
 * ARGV[1] digest, ARGV[2] client id or empty, ARGV[3] window in ms
 */
export const checkRepeat = bind<number>('RepeatCheck', `
local digest, client = string.match(redis.call('GET', KEYS[1]) or '', '^(%S*) (.*)$')
if digest == ARGV[1] then
  if client ~= '' and client == ARGV[2] then return 0 end
  return math.max(1, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 0
`)

/**
 * Deletes the record if it is still this one.
 * KEYS[1] record
 * ARGV[1] digest
 */
export const forgetRepeat = bind<number>('RepeatForget', `
local digest = string.match(redis.call('GET', KEYS[1]) or '', '^(%S*) ')
return digest == ARGV[1] and redis.call('DEL', KEYS[1]) or 0
`)

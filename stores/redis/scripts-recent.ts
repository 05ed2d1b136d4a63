import { bind } from './scripts.ts'

/**
 * Both scripts keep one rule: the list is what the log says at the held rev, down to seq 1 or over its full size, or both
 * keys are gone. `held` finds out; whatever it doubts it deletes.
 */
const held = `
local function absent ()
  redis.call('DEL', KEYS[1], KEYS[2])
  return nil
end

-- A key of another type is a stranger's: pcall answers with a table then, which is neither a text nor a length.
local function held (size)
  local state = redis.pcall('GET', KEYS[2])
  local rev, seq = string.match(type(state) == 'string' and state or '', '^(%d+) (%d+)$')
  if not rev then return absent() end
  rev, seq = tonumber(rev), tonumber(seq)
  if redis.pcall('LLEN', KEYS[1]) ~= math.min(seq, size) then return absent() end
  return rev, seq
end

local function keep (rev, seq, ttl)
  redis.call('SET', KEYS[2], string.format('%.0f %.0f', rev, seq), 'PX', ttl)
  redis.call('PEXPIRE', KEYS[1], ttl)
end
`

/**
 * Applies changes in order of rev and answers the rev then held, or nil if nothing is held.
 * KEYS[1] list, KEYS[2] its rev
 * ARGV[1] size of the list, ARGV[2] life in ms, then for each change: rev, 'created' or another kind, seq, rev of the message, JSON
 */
export const applyChanges = bind<number | null>('RecentApply', `${held}
local size, ttl = tonumber(ARGV[1]), ARGV[2]
local rev, seq = held(size)
if not rev then
  if tonumber(ARGV[3]) ~= 1 then return false end
  rev, seq = 0, 0
end
local before = rev

for i = 3, #ARGV, 5 do
  local change, kind, number, message, json = tonumber(ARGV[i]), ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4]
  if change == rev + 1 then
    if kind == 'created' then
      if number ~= seq + 1 then
        absent()
        return false
      end
      redis.call('LPUSH', KEYS[1], json)
      redis.call('LTRIM', KEYS[1], 0, size - 1)
      seq = number
    else
      local entry = number <= seq and redis.call('LINDEX', KEYS[1], seq - number)
      if entry then
        -- An entry may be ahead of the list: it never goes back to an older state.
        local known, old = pcall(cjson.decode, entry)
        if not known or type(old) ~= 'table' or old.seq ~= number then
          absent()
          return false
        end
        if (tonumber(old.rev) or 0) <= message then redis.call('LSET', KEYS[1], seq - number, json) end
      end
    end
    rev = change
  end
end

if rev > before then keep(rev, seq, ttl) end
return rev
`)

/**
 * Sets the whole list unless a newer one is held.
 * KEYS[1] list, KEYS[2] its rev
 * ARGV[1] size, ARGV[2] life in ms, ARGV[3] rev, ARGV[4] seq of the head, then the messages as JSON, newest first
 */
export const replaceAll = bind<number>('RecentReplace', `${held}
local size, ttl, rev, seq = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local newer = held(size)
if newer and newer > rev then return 0 end
redis.call('DEL', KEYS[1])
for i = 5, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
keep(rev, seq, ttl)
return 1
`)

/**
 * The list in one snapshot: '<rev> <seq>', then the messages, newest first. Empty if nothing is held.
 * KEYS[1] list, KEYS[2] its rev
 * ARGV[1] size
 */
export const readAll = bind<string[]>('RecentRead', `${held}
local rev, seq = held(tonumber(ARGV[1]))
if not rev then return {} end
local list = redis.call('LRANGE', KEYS[1], 0, -1)
table.insert(list, 1, redis.call('GET', KEYS[2]))
return list
`)

/**
 * Deletes a list whose messages turned out to be damaged, unless it was written since.
 * KEYS[1] list, KEYS[2] its rev
 * ARGV[1] '<rev> <seq>' as it was read
 */
export const dropDamaged = bind<number>('RecentDrop', `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1], KEYS[2])
`)

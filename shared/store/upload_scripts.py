"""The Lua scripts about uploads: each is one atomic step and one round trip.

They know fields and marks, not what VOD means by them. All keys of one script share a hash tag,
so they run on Redis Cluster.
"""

from __future__ import annotations

BEGIN_NUMBERS = (
    *("now_ms", "now", "interval", "burst", "network_interval", "network_burst"),
    *("open_limit", "day_limit", "bytes_limit", "bytes", "ends_at", "day_ends_at"),
    *("nonce_ttl", "record_ttl", "check_at", "deny_keys"),
)
"""The first arguments of BEGIN_UPLOAD, in their order; a limit of 0 is none.

Instants are Unix seconds, `now_ms` and the intervals milliseconds. `ends_at` is the end of the session,
`day_ends_at` of the UTC day, `check_at` the time of the first reconciliation; `*_ttl` are seconds,
`deny_keys` counts the deny keys that follow.
"""

_NUMBERS_STEP = """
-- Read the first `count` arguments as numbers: all of them before the first write, since nothing rolls back.
local function numbers(count)
  local read = {}
  for place = 1, count do read[place] = assert(tonumber(ARGV[place])) end
  return unpack(read)
end
"""

SLOT_STEP = """
-- One request each `interval` ms passes, and up to `burst` at once (GCRA).
-- Tell when the line of those before this one ends, and how many ms this one has to wait.
local function slot_of(key, now, interval, burst)
  local due = math.max(tonumber(redis.call('GET', key) or now), now)
  return due, due - (burst - 1) * interval - now
end
local function take_slot(key, now, interval, due)
  redis.call('SET', key, string.format('%.0f', due + interval), 'PX', due + interval - now)
  return due + interval - now
end
-- Let a request pass, or not; returns ms to wait (0 = passed), and how many ms of the limit are used up.
local function wait_for_slot(key, now, interval, burst)
  local due, wait = slot_of(key, now, interval, burst)
  if wait > 0 then return wait, due - now end
  return 0, take_slot(key, now, interval, due)
end
"""

_NONCE_STEP = """
-- Take the first candidate nobody took in this second; returns its place, or 0 if all are taken.
local function reserve_nonce(first_key, ttl)
  for place = first_key, #KEYS do
    if redis.call('SET', KEYS[place], '1', 'NX', 'EX', ttl) then return place - first_key + 1 end
  end
  return 0
end
"""

_DENIED_STEP = """
-- Whether one of these marks is on the deny list, and has not ended.
local function is_denied(list, now, marks)
  if redis.call('EXISTS', list) == 0 then return false end
  for _, entry in ipairs(redis.call('HMGET', list, unpack(marks))) do
    if entry then
      local denied_until = cjson.decode(entry)['until']
      if denied_until == 0 or denied_until > now then return true end
    end
  end
  return false
end
"""

BEGIN_UPLOAD = (
    _NUMBERS_STEP
    + SLOT_STEP
    + _NONCE_STEP
    + _DENIED_STEP
    + """
-- KEYS upload, checks, rate, rate of the network, open uploads, usage of the day, denied, nonces...
-- ARGV BEGIN_NUMBERS, upload_id, deny keys..., fields of the record...
local ID_AT = """
    + f"{len(BEGIN_NUMBERS) + 1}\nlocal {', '.join(BEGIN_NUMBERS)} = numbers(ID_AT - 1)"
    + """
local upload_id, fields_at = ARGV[ID_AT], ID_AT + 1 + deny_keys
if is_denied(KEYS[7], now, {unpack(ARGV, ID_AT + 1, fields_at - 1)}) then return {'denied'} end

-- All limits are asked before any is used up; the one that lasts longest tells when to come again.
local wait, limit = 0, ''
local function refuse_for(ms, name) if ms > wait then wait, limit = ms, name end end
local due, ms = slot_of(KEYS[3], now_ms, interval, burst)
refuse_for(ms, 'user')
local network_due = 0
if network_interval > 0 then
  network_due, ms = slot_of(KEYS[4], now_ms, network_interval, network_burst)
  refuse_for(ms, 'network')
end
if open_limit > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
  local too_many = redis.call('ZCARD', KEYS[5]) - open_limit
  if too_many >= 0 then
    refuse_for(redis.call('ZRANGE', KEYS[5], too_many, too_many, 'WITHSCORES')[2] * 1000 - now_ms, 'open')
  end
end
local uploads_today, bytes_today = 0, 0
if day_limit > 0 or bytes_limit > 0 then
  local used = redis.call('HMGET', KEYS[6], 'uploads', 'bytes')
  uploads_today, bytes_today = (tonumber(used[1]) or 0) + 1, (tonumber(used[2]) or 0) + bytes
  local rest = day_ends_at * 1000 - now_ms
  if day_limit > 0 and uploads_today > day_limit then refuse_for(rest, 'day') end
  if bytes_limit > 0 and bytes_today > bytes_limit then refuse_for(rest, 'bytes') end
end
if wait > 0 then return {'limited', wait, limit} end
local place = reserve_nonce(8, nonce_ttl)
if place == 0 then return {'crowded'} end

local ahead, network_ahead = take_slot(KEYS[3], now_ms, interval, due), 0
if network_interval > 0 then network_ahead = take_slot(KEYS[4], now_ms, network_interval, network_due) end
redis.call('HSET', KEYS[1], unpack(ARGV, fields_at))
if open_limit > 0 then
  redis.call('ZADD', KEYS[5], ends_at, upload_id)
  redis.call('EXPIRE', KEYS[5], ends_at - now)
end
if day_limit > 0 or bytes_limit > 0 then
  redis.call('HINCRBY', KEYS[6], 'uploads', 1)
  redis.call('HINCRBY', KEYS[6], 'bytes', bytes)
  redis.call('EXPIRE', KEYS[6], day_ends_at - now)
  redis.call('HSET', KEYS[1], 'quota', 'reserved', 'reserved_bytes', bytes)
end
redis.call('EXPIRE', KEYS[1], record_ttl)
redis.call('ZADD', KEYS[2], check_at, upload_id)
return {'issued', place, ahead, network_ahead, uploads_today, bytes_today}
"""
)

RENEW_UPLOAD = (
    SLOT_STEP
    + _NONCE_STEP
    + _DENIED_STEP
    + """
-- KEYS upload, rate, denied, nonces...   ARGV now_ms, now, interval_ms, burst, nonce_ttl, user, marks...
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'grant')
if kept[1] ~= ARGV[6] then return {'unknown'} end
local marks = {'policy:' .. cjson.decode(kept[2]).policy, unpack(ARGV, 7)}
if is_denied(KEYS[3], tonumber(ARGV[2]), marks) then return {'denied'} end
local wait, ahead = wait_for_slot(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]))
if wait > 0 then return {'limited', wait, 'upload'} end
local place = reserve_nonce(4, ARGV[5])
if place == 0 then return {'crowded'} end
return {'issued', place, ahead, redis.call('HGETALL', KEYS[1])}
"""
)

RELEASE_STEP = """
-- An upload that has got its file, or never will, is open no more. What it had reserved of its user's
-- day becomes what it has used: `size` '' = no file, 'unknown' = as it was declared. A file that comes
-- after all, under an upload that had been given up, is counted again.
local function release(upload, open, usage, upload_id, size)
  redis.call('ZREM', open, upload_id)
  local kept, has_file = redis.call('HMGET', upload, 'quota', 'reserved_bytes'), size ~= ''
  local is_reserved = kept[1] == 'reserved'
  if not (is_reserved or (kept[1] == 'returned' and has_file)) then return end
  redis.call('HSET', upload, 'quota', has_file and 'used' or 'returned')
  if redis.call('EXISTS', usage) == 0 then return end
  local reserved = is_reserved and tonumber(kept[2]) or 0
  local used = has_file and (tonumber(size) or reserved) or 0
  redis.call('HINCRBY', usage, 'uploads', (has_file and 1 or 0) - (is_reserved and 1 or 0))
  redis.call('HINCRBY', usage, 'bytes', string.format('%.0f', used - reserved))
end
"""

CANCEL_UPLOAD = (
    RELEASE_STEP
    + """
-- KEYS upload, open uploads, usage of the day   ARGV user, now, upload_id
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[1] then return {'unknown'} end
local seen = redis.call('HMGET', KEYS[1], 'file_id', 'expired_at', 'ends_at', 'cancelled_at')
if not seen[1] and not seen[2] and not seen[4] and tonumber(ARGV[2]) < tonumber(seen[3]) then
  redis.call('HSET', KEYS[1], 'cancelled_at', ARGV[2], 'updated_at', ARGV[2])
  release(KEYS[1], KEYS[2], KEYS[3], ARGV[3], '')
end
return {'known', redis.call('HGETALL', KEYS[1])}
"""
)

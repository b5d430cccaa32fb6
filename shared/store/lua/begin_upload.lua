-- include: slot, nonce, denied
-- KEYS upload, checks, rate, rate of the network, open uploads, usage of the day, denied, nonces...
-- ARGV terms, fields of the record...
-- terms: a JSON object of numbers, upload_id and deny_keys; a limit of 0 is none. Instants are Unix seconds,
-- now_ms and the intervals milliseconds. ends_at is the end of the session, day_ends_at of the UTC day,
-- check_at the time of the first reconciliation; *_ttl are seconds.
local terms = cjson.decode(ARGV[1])
local now_ms, now = terms.now_ms, terms.now
if is_denied(KEYS[7], now, terms.deny_keys) then return {'denied'} end

-- All limits are asked before any is used up; the one that lasts longest tells when to come again.
local wait, limit = 0, ''
local function refuse_for(ms, name) if ms > wait then wait, limit = ms, name end end
local due, ms = slot_of(KEYS[3], now_ms, terms.interval, terms.burst)
refuse_for(ms, 'user')
local network_due = 0
if terms.network_interval > 0 then
  network_due, ms = slot_of(KEYS[4], now_ms, terms.network_interval, terms.network_burst)
  refuse_for(ms, 'network')
end
if terms.open_limit > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
  local too_many = redis.call('ZCARD', KEYS[5]) - terms.open_limit
  if too_many >= 0 then
    refuse_for(redis.call('ZRANGE', KEYS[5], too_many, too_many, 'WITHSCORES')[2] * 1000 - now_ms, 'open')
  end
end
local counts_usage = terms.day_limit > 0 or terms.bytes_limit > 0
local uploads_today, bytes_today = 0, 0
if counts_usage then
  local used = redis.call('HMGET', KEYS[6], 'uploads', 'bytes')
  uploads_today, bytes_today = (tonumber(used[1]) or 0) + 1, (tonumber(used[2]) or 0) + terms.bytes
  local rest = terms.day_ends_at * 1000 - now_ms
  if terms.day_limit > 0 and uploads_today > terms.day_limit then refuse_for(rest, 'day') end
  if terms.bytes_limit > 0 and bytes_today > terms.bytes_limit then refuse_for(rest, 'bytes') end
end
if wait > 0 then return {'limited', wait, limit} end
local place = reserve_nonce(8, terms.nonce_ttl)
if place == 0 then return {'crowded'} end

local ahead, network_ahead = take_slot(KEYS[3], now_ms, terms.interval, due), 0
if terms.network_interval > 0 then
  network_ahead = take_slot(KEYS[4], now_ms, terms.network_interval, network_due)
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], terms.record_ttl)
if terms.open_limit > 0 then
  redis.call('ZADD', KEYS[5], terms.ends_at, terms.upload_id)
  redis.call('EXPIRE', KEYS[5], terms.ends_at - now)
end
if counts_usage then
  redis.call('HINCRBY', KEYS[6], 'uploads', 1)
  redis.call('HINCRBY', KEYS[6], 'bytes', terms.bytes)
  redis.call('EXPIRE', KEYS[6], terms.day_ends_at - now)
  redis.call('HSET', KEYS[1], 'quota', 'reserved', 'reserved_bytes', terms.bytes)
end
redis.call('ZADD', KEYS[2], terms.check_at, terms.upload_id)
return {'issued', place, ahead, network_ahead, uploads_today, bytes_today}

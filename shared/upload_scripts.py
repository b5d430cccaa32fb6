"""The Lua scripts about uploads: each is one atomic step and one round trip.

They know fields and marks, not what VOD means by them. All keys of one script share a hash tag,
so they run on Redis Cluster.
"""

from __future__ import annotations

TURN_STEP = """
-- Let one request pass per `interval` ms, and up to `burst` at once (GCRA). Returns ms to wait, 0 = pass.
local function wait_for_turn(key, now, interval, burst)
  local due = math.max(tonumber(redis.call('GET', key) or now), now)
  local wait = due - (burst - 1) * interval - now
  if wait > 0 then return wait end
  redis.call('SET', key, string.format('%.0f', due + interval), 'PX', due + interval - now)
  return 0
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

BEGIN_UPLOAD = (
    TURN_STEP
    + _NONCE_STEP
    + """
-- KEYS upload, rate, checks, nonces...
-- ARGV now_ms, interval_ms, burst, nonce_ttl, record_ttl, check_at, upload_id, fields...
local wait = wait_for_turn(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
if wait > 0 then return {'limited', wait} end
local place = reserve_nonce(4, ARGV[4])
if place == 0 then return {'crowded'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 8))
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[7])
return {'issued', place}
"""
)

RENEW_UPLOAD = (
    TURN_STEP
    + _NONCE_STEP
    + """
-- KEYS upload, rate, nonces...   ARGV now_ms, interval_ms, burst, nonce_ttl, user
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[5] then return {'unknown'} end
local wait = wait_for_turn(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
if wait > 0 then return {'limited', wait} end
local place = reserve_nonce(3, ARGV[4])
if place == 0 then return {'crowded'} end
return {'issued', place, redis.call('HGETALL', KEYS[1])}
"""
)

CANCEL_UPLOAD = """
-- KEYS upload, checks   ARGV user, now, upload_id
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[1] then return {'unknown'} end
local seen = redis.call('HMGET', KEYS[1], 'file_id', 'expired_at', 'ends_at', 'cancelled_at')
if not seen[1] and not seen[2] and not seen[4] and tonumber(ARGV[2]) < tonumber(seen[3]) then
  redis.call('HSET', KEYS[1], 'cancelled_at', ARGV[2], 'updated_at', ARGV[2])
end
return {'known', redis.call('HGETALL', KEYS[1])}
"""

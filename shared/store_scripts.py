"""The Lua scripts of the store: each is one atomic step and one round trip.

They know fields and marks, not what VOD means by them; which facts an event adds is decided by
`shared.upload_session`. All keys of one script share a hash tag, so they run on Redis Cluster.
"""

from __future__ import annotations

_ISSUE_STEPS = """
-- Let one request pass per `interval` ms, and up to `burst` at once (GCRA). Returns ms to wait, 0 = pass.
local function wait_for_turn(key, now, interval, burst)
  local due = math.max(tonumber(redis.call('GET', key) or now), now)
  local wait = due - (burst - 1) * interval - now
  if wait > 0 then return wait end
  redis.call('SET', key, string.format('%.0f', due + interval), 'PX', due + interval - now)
  return 0
end

-- Take the first candidate nobody took in this second; returns its place, or 0 if all are taken.
local function reserve_nonce(first_key, ttl)
  for place = first_key, #KEYS do
    if redis.call('SET', KEYS[place], '1', 'NX', 'EX', ttl) then return place - first_key + 1 end
  end
  return 0
end
"""

BEGIN_UPLOAD = (
    _ISSUE_STEPS
    + """
-- KEYS upload, rate, nonces...   ARGV now_ms, interval_ms, burst, nonce_ttl, record_ttl, fields...
local wait = wait_for_turn(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
if wait > 0 then return {'limited', wait} end
local place = reserve_nonce(3, ARGV[4])
if place == 0 then return {'crowded'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {'issued', place}
"""
)

RENEW_UPLOAD = (
    _ISSUE_STEPS
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
-- KEYS upload   ARGV user, now
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[1] then return {'unknown'} end
local seen = redis.call('HMGET', KEYS[1], 'file_id', 'expired_at', 'ends_at')
if not seen[1] and not seen[2] and tonumber(ARGV[2]) < tonumber(seen[3]) then
  redis.call('HSETNX', KEYS[1], 'cancelled_at', ARGV[2])
  redis.call('HSET', KEYS[1], 'updated_at', ARGV[2])
end
return {'known', redis.call('HGETALL', KEYS[1])}
"""

_APPLY_STEP = """
-- Add what an event says to its upload; returns verdict and sequence number.
-- The upload record may be lost: the sealed token is the truth about identity, so it is made anew.
local function apply(upload, now, record_ttl, facts)
  if redis.call('EXISTS', upload) == 0 then
    for field, value in pairs(facts.origin) do redis.call('HSET', upload, field, value) end
  end
  local sequence = redis.call('HINCRBY', upload, 'sequence', 1)
  redis.call('EXPIRE', upload, record_ttl)
  local claimed = redis.call('HGET', upload, 'file_id')
  if claimed and facts.file_id ~= '' and claimed ~= facts.file_id then return 'replayed', sequence end
  if facts.file_id ~= '' then redis.call('HSETNX', upload, 'file_id', facts.file_id) end
  local verdict = 'attributed'
  if facts.first.uploaded_at then
    local seen = redis.call('HMGET', upload, 'ends_at', 'cancelled_at', 'expired_at')
    if tonumber(now) >= tonumber(seen[1]) or seen[2] or seen[3] then verdict = 'late' end
  end
  for field, value in pairs(facts.first) do redis.call('HSETNX', upload, field, value) end
  if facts.rank > tonumber(redis.call('HGET', upload, 'procedure_rank') or 0) then
    redis.call('HSET', upload, 'procedure_rank', facts.rank, 'procedure', facts.outcome)
  end
  if facts.verified then redis.call('HSET', upload, 'verified_file_id', facts.file_id) end
  redis.call('HSET', upload, 'updated_at', now)
  return verdict, sequence
end
"""

JOURNAL_EVENT = (
    _APPLY_STEP
    + """
-- KEYS event, due, upload
-- ARGV now, record_ttl, next_attempt_at ('' = nothing to deliver), rule, facts, fields...
-- rule: 'apply' = trust the event; 'hold' = trust it if its file was verified before; 'record' = no upload
if redis.call('EXISTS', KEYS[1]) == 1 then return {'duplicate'} end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
local rule, status, verdict, sequence = ARGV[4], 'recorded', '', 0
if rule ~= 'record' then
  local facts = cjson.decode(ARGV[5])
  local known = facts.file_id ~= '' and redis.call('HGET', KEYS[3], 'verified_file_id') == facts.file_id
  facts.verified = facts.verified or known
  if rule == 'apply' or known then
    verdict, sequence = apply(KEYS[3], ARGV[1], ARGV[2], facts)
    status = known and 'verified' or 'applied'
    local verified = facts.verified and 1 or 0
    redis.call('HSET', KEYS[1], 'verdict', verdict, 'sequence', sequence, 'verified', verified)
  else
    status = 'held'
  end
end
redis.call('HSET', KEYS[1], 'status', status)
redis.call('EXPIRE', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[2], ARGV[3], KEYS[1]) end
return {status, verdict, sequence}
"""
)

SETTLE_EVENT = (
    _APPLY_STEP
    + """
-- KEYS event, due, upload   ARGV now, record_ttl, lease, facts ('' = the read-back disagreed)
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[3] then return {'lost'} end
if ARGV[4] == '' then
  redis.call('HSET', KEYS[1], 'status', 'applied', 'verdict', 'quarantined', 'delivery', 'withheld')
  redis.call('ZREM', KEYS[2], KEYS[1])
  return {'quarantined', 'quarantined', 0}
end
local verdict, sequence = apply(KEYS[3], ARGV[1], ARGV[2], cjson.decode(ARGV[4]))
redis.call('HSET', KEYS[1], 'status', 'verified', 'verdict', verdict, 'sequence', sequence, 'verified', 1)
return {'verified', verdict, sequence}
"""
)

FINISH_DELIVERY = """
-- KEYS event, due   ARGV lease, next_attempt_at ('' = no more), fields...
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('HINCRBY', KEYS[1], 'attempts', 1)
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[2], KEYS[1])
else
  redis.call('ZADD', KEYS[2], ARGV[2], KEYS[1])
end
return 1
"""

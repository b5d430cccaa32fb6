"""The Lua scripts about events: each is one atomic step and one round trip.

They know fields and marks, not what VOD means by them; which facts an event adds to its upload is
decided by `shared.domain.session`. All keys of one script share a hash tag.
"""

from __future__ import annotations

from shared.store.upload_scripts import RELEASE_STEP, SLOT_STEP

_INDEX_STEP = """
-- Add an event to an index of its partition, and remove those whose record has expired.
local function add_to_index(index, now, record_ttl, event)
  redis.call('ZADD', index, now, event)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', tonumber(now) - tonumber(record_ttl))
  redis.call('EXPIRE', index, record_ttl)
end
"""

_APPLY_STEP = (
    RELEASE_STEP
    + """
-- Add what an event says to its upload; returns verdict, sequence number and, of a file, its limits.
-- The upload's record may be lost: the sealed token is the truth about identity, so it is made anew.
local function apply(at, now, record_ttl, facts)
  local upload, checks = at.upload, at.checks
  local function has(field) return redis.call('HEXISTS', upload, field) == 1 end
  if redis.call('EXISTS', upload) == 0 then
    for field, value in pairs(facts.origin) do redis.call('HSET', upload, field, value) end
  end
  redis.call('EXPIRE', upload, record_ttl)
  local sequence = redis.call('HINCRBY', upload, 'sequence', 1)
  local limits = facts.first.uploaded_at and redis.call('HGET', upload, 'limits') or ''
  local claimed = redis.call('HGET', upload, 'file_id')
  if claimed and facts.file_id ~= '' and claimed ~= facts.file_id then return 'replayed', sequence, limits end
  if facts.file_id ~= '' then redis.call('HSETNX', upload, 'file_id', facts.file_id) end
  local verdict = 'attributed'
  if facts.first.uploaded_at then
    local seen = redis.call('HMGET', upload, 'ends_at', 'cancelled_at', 'expired_at')
    if tonumber(now) >= tonumber(seen[1]) or seen[2] or seen[3] then verdict = 'late' end
  end
  for field, value in pairs(facts.first) do redis.call('HSETNX', upload, field, value) end
  if facts.first.uploaded_at then
    release(upload, at.open, at.usage, facts.upload_id, facts.size)
  elseif facts.first.expired_at then
    release(upload, at.open, at.usage, facts.upload_id, '')
  end
  if facts.rank > tonumber(redis.call('HGET', upload, 'procedure_rank') or 0) then
    redis.call('HSET', upload, 'procedure_rank', facts.rank, 'procedure', facts.outcome)
  end
  redis.call('HSET', upload, 'updated_at', now)
  if facts.check_after > 0 then
    redis.call('ZADD', checks, tonumber(now) + facts.check_after, facts.upload_id)
  elseif facts.check_after == 0 and (has('uploaded_at') or has('expired_at')) then
    -- A task flow may be finished while the event of its upload is still missed, and may be running
    -- when that event, should it be a reconciled one, does not name it.
    local rank = tonumber(redis.call('HGET', upload, 'procedure_rank') or 0)
    local running = rank > 0 and rank < facts.finished_rank
    if not running then redis.call('ZREM', checks, facts.upload_id) end
  end
  return verdict, sequence, limits
end
"""
)

JOURNAL_EVENT = (
    _INDEX_STEP
    + _APPLY_STEP
    + """
-- KEYS event, journal, due, quarantined, dead, endpoint, upload, checks, open uploads, usage of the day
-- ARGV now, record_ttl, next_attempt_at ('' = nothing to deliver), intended, facts, fields...
-- intended: 'applied' = trust the event; 'held' = not yet; 'recorded' = it moves no upload;
-- 'quarantined' = never deliver it
local intended, facts = ARGV[4], cjson.decode(ARGV[5])
-- What a read-back did not believe, or was given up, stands in nobody's way: the look may have come too
-- early, or a lie have been told under the name of what is true by now.
if intended == 'held' or (intended == 'applied' and facts.verified) then
  local disbelieved = redis.call('ZREM', KEYS[4], KEYS[1]) == 1
  local held = redis.call('HGET', KEYS[1], 'status') == 'held'
  local given_up = held and redis.call('ZREM', KEYS[5], KEYS[1]) == 1
  if disbelieved or given_up then
    redis.call('DEL', KEYS[1])
  elseif held then
    -- Longer than any lease: nobody is at work on it. This copy may be the true one, so it is time to look.
    local due = tonumber(redis.call('ZSCORE', KEYS[3], KEYS[1]) or 0)
    if due > tonumber(ARGV[1]) + 30 then redis.call('ZADD', KEYS[3], ARGV[1], KEYS[1]) end
  end
end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'duplicate', '', 0, 0} end
if facts.first.expired_at then
  -- An upload ends only if nothing came of it.
  local seen = redis.call('HMGET', KEYS[7], 'user_id', 'file_id', 'cancelled_at')
  if not seen[1] or seen[2] or seen[3] then
    -- The event that used it has planned its own next look.
    if not seen[2] then redis.call('ZREM', KEYS[8], facts.upload_id) end
    return {'superseded', '', 0, 0}
  end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
redis.call('EXPIRE', KEYS[1], ARGV[2])
add_to_index(KEYS[2], ARGV[1], ARGV[2], KEYS[1])
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[3], ARGV[3], KEYS[1]) end
local status, verdict, sequence, limits = intended, '', 0, ''
if intended == 'quarantined' then
  status = 'recorded'
  add_to_index(KEYS[4], ARGV[1], ARGV[2], KEYS[1])
elseif intended == 'applied' then
  local at = {upload = KEYS[7], checks = KEYS[8], open = KEYS[9], usage = KEYS[10]}
  verdict, sequence, limits = apply(at, ARGV[1], ARGV[2], facts)
  local verified = facts.verified and 1 or 0
  redis.call('HSET', KEYS[1], 'verdict', verdict, 'sequence', sequence, 'verified', verified,
    'limits', limits)
end
redis.call('HSET', KEYS[1], 'status', status)
return {status, verdict, sequence, redis.call('HEXISTS', KEYS[6], 'disabled_at'), limits}
"""
)

SETTLE_EVENT = (
    _INDEX_STEP
    + _APPLY_STEP
    + """
-- KEYS event, due, quarantined, upload, checks, open uploads, usage of the day
-- ARGV now, record_ttl, lease, facts ('' = the read-back disagreed), fields...
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[3] then return {'lost', '', 0, 0} end
if ARGV[4] == '' then
  redis.call('HSET', KEYS[1], 'status', 'recorded', 'verdict', 'quarantined', 'delivery', 'withheld')
  redis.call('ZREM', KEYS[2], KEYS[1])
  add_to_index(KEYS[3], ARGV[1], ARGV[2], KEYS[1])
  return {'quarantined', 'quarantined', 0, 0}
end
local facts = cjson.decode(ARGV[4])
local at = {upload = KEYS[4], checks = KEYS[5], open = KEYS[6], usage = KEYS[7]}
local verdict, sequence, limits = apply(at, ARGV[1], ARGV[2], facts)
local status = facts.verified and 'verified' or 'applied'
if ARGV[5] then redis.call('HSET', KEYS[1], unpack(ARGV, 5)) end
local verified = facts.verified and 1 or 0
redis.call('HSET', KEYS[1], 'status', status, 'verdict', verdict, 'sequence', sequence, 'verified', verified,
  'limits', limits)
return {status, verdict, sequence, 0, limits}
"""
)

TAKE_EVENT = """
-- KEYS event, due, endpoint   ARGV now, lease, lease_ends_at
local due = redis.call('ZSCORE', KEYS[2], KEYS[1])
if not due or tonumber(due) > tonumber(ARGV[1]) then return {{}, 0} end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[2], KEYS[1])
  return {{}, 0}
end
redis.call('HSET', KEYS[1], 'lease', ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], KEYS[1])
return {redis.call('HGETALL', KEYS[1]), redis.call('HEXISTS', KEYS[3], 'disabled_at')}
"""

FINISH_ATTEMPT = (
    _INDEX_STEP
    + """
-- KEYS event, due, dead, endpoint
-- ARGV lease, now, status, outcome ('' = the endpoint was not asked), next_attempt_at ('' = no more),
-- record_ttl, fields...
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
local status, outcome = ARGV[3], ARGV[4]
redis.call('HSET', KEYS[1], 'delivery', status, unpack(ARGV, 7))
if outcome == 'delivered' then
  redis.call('HDEL', KEYS[4], 'failing_since', 'disabled_at')
  redis.call('HSET', KEYS[4], 'delivered_at', ARGV[2])
elseif outcome == 'failed' or outcome == 'gone' then
  redis.call('HSETNX', KEYS[4], 'failing_since', ARGV[2])
  if outcome == 'gone' then redis.call('HSETNX', KEYS[4], 'disabled_at', ARGV[2]) end
end
if status == 'due' then
  redis.call('ZADD', KEYS[2], ARGV[5], KEYS[1])
else
  redis.call('ZREM', KEYS[2], KEYS[1])
  if status == 'dead' then add_to_index(KEYS[3], ARGV[2], ARGV[6], KEYS[1]) end
end
return 1
"""
)

REVIVE_EVENT = """
-- KEYS event, due, dead   ARGV now
local delivery = redis.call('HGET', KEYS[1], 'delivery')
if not delivery or delivery == 'withheld' then return 0 end
redis.call('HSET', KEYS[1], 'delivery', 'due', 'attempts', 0, 'lease', '')
redis.call('ZREM', KEYS[3], KEYS[1])
redis.call('ZADD', KEYS[2], ARGV[1], KEYS[1])
return 1
"""

PARK_EVENT = (
    _INDEX_STEP
    + """
-- KEYS record, parked, bytes parked
-- ARGV now, record_ttl, failures before it is parked, budget, size, raw, first part of raw, fields...
-- Returns 0 = not parked yet, 1 = parked, 2 = parked without the rest of its bytes: the budget is used up.
local size, used = tonumber(ARGV[5]), tonumber(redis.call('HGET', KEYS[3], 'bytes') or 0)
local fits = used + size <= tonumber(ARGV[4])
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'received_at', ARGV[1], unpack(ARGV, 8))
if failures == 1 then
  redis.call('HSET', KEYS[1], 'raw', ARGV[fits and 6 or 7], 'whole', fits and 1 or 0)
  if fits then
    redis.call('HINCRBY', KEYS[3], 'bytes', size)
    if used == 0 then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
  end
end
if failures < tonumber(ARGV[3]) then return 0 end
add_to_index(KEYS[2], ARGV[1], ARGV[2], KEYS[1])
return redis.call('HGET', KEYS[1], 'whole') == '1' and 1 or 2
"""
)

SEND_SLOT = (
    SLOT_STEP
    + """
-- KEYS send slot   ARGV now_ms, interval_ms
return wait_for_slot(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), 1)
"""
)

-- include: index, apply
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

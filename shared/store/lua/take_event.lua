-- include: numbers, rank, in_flight, endpoint
-- KEYS event, due, endpoint, body, in flight, waiting   ARGV now, lease, lease_ends_at
whole(ARGV[1])
whole(ARGV[3])
local due = tonumber(redis.call('ZSCORE', KEYS[2], KEYS[1]) or nil)
if not due then return {{}, 0} end
local second, rank = split_score(due)
if second > tonumber(ARGV[1]) then return {{}, 0} end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[2], KEYS[1])
  return {{}, 0}
end
local at = {due = KEYS[2], in_flight = KEYS[5], waiting = KEYS[6]}
if not begin_delivery(at, KEYS[1], tonumber(ARGV[1]), ARGV[3], rank) then return {{}, 0} end
redis.call('HSET', KEYS[1], 'lease', ARGV[2])
redis.call('ZADD', KEYS[2], rank + ARGV[3], KEYS[1])
local state = state_for_taken(KEYS[3], tonumber(ARGV[1]))
return {redis.call('HGETALL', KEYS[1]), state, redis.call('GET', KEYS[4])}

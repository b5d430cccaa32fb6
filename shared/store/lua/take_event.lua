-- include: numbers, index, rank, in_flight, endpoint, versions
-- KEYS event, due, endpoint, body, in flight, waiting, of a copy also its journal, and the record and the tombstone
--   of its event   ARGV now, lease, lease_ends_at, record_ttl
whole(ARGV[1])
whole(ARGV[3])
whole(ARGV[4])
local due = tonumber(redis.call('ZSCORE', KEYS[2], KEYS[1]) or nil)
if not due then return {{}, 0} end
local second, rank = split_score(due)
if second > tonumber(ARGV[1]) then return {{}, 0} end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('ZREM', KEYS[2], KEYS[1])
  return {{}, 0}
end
-- The copy of a claim is not sent any more once VOD's own version of its event is recorded.
local verified, origin = unpack(redis.call('HMGET', KEYS[1], 'verified', 'origin'))
local is_claim = verified ~= '1' and origin == 'push'
if #KEYS > 6 and is_claim and contents_of({record = KEYS[8], tombstone = KEYS[9]}) then
  redis.call('ZREM', KEYS[2], KEYS[1])
  redis.call('HSET', KEYS[1], 'lease', '', 'delivery', 'kept')
  list_in_journal(KEYS[7], ARGV[1], ARGV[4], KEYS[1])
  return {{}, 0}
end
local at = {due = KEYS[2], in_flight = KEYS[5], waiting = KEYS[6]}
if not begin_delivery(at, KEYS[1], tonumber(ARGV[1]), ARGV[3], rank) then return {{}, 0} end
redis.call('HSET', KEYS[1], 'lease', ARGV[2])
redis.call('ZADD', KEYS[2], rank + ARGV[3], KEYS[1])
local state = state_for_taken(KEYS[3], tonumber(ARGV[1]))
return {redis.call('HGETALL', KEYS[1]), state, redis.call('GET', KEYS[4])}

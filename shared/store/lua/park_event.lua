-- include: index
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

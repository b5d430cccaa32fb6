-- include: numbers, index
-- KEYS record, parked, bytes parked
-- ARGV now, record_ttl, failures before it is parked, budget, size, raw, first part of raw, size of that,
--   budget of first parts ('' = without end), fields...
-- Returns 0 = not parked yet, 1 = parked, 2 = parked without the rest of its bytes: the budget is used up,
-- 3 = not even that: the budget of first parts is used up too.
for _, place in ipairs({1, 2, 3, 4, 5, 8}) do whole(ARGV[place]) end
if ARGV[9] ~= '' then whole(ARGV[9]) end
local used = redis.call('HMGET', KEYS[3], 'bytes', 'first_parts')
local failures = tonumber(redis.call('HGET', KEYS[1], 'failures') or 0) + 1
if failures == 1 then
  local is_whole = tonumber(used[1] or 0) + tonumber(ARGV[5]) <= tonumber(ARGV[4])
  local field, at, size = 'bytes', 6, ARGV[5]
  if not is_whole then
    field, at, size = 'first_parts', 7, ARGV[8]
    if ARGV[9] ~= '' and tonumber(used[2] or 0) + tonumber(size) > tonumber(ARGV[9]) then return 3 end
    is_whole = ARGV[6] == ARGV[7]
  end
  redis.call('HINCRBY', KEYS[3], field, size)
  if not used[1] and not used[2] then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
  redis.call('HSET', KEYS[1], 'raw', ARGV[at], 'whole', is_whole and 1 or 0)
end
redis.call('HSET', KEYS[1], 'failures', failures, 'received_at', ARGV[1], unpack(ARGV, 10))
redis.call('EXPIRE', KEYS[1], ARGV[2])
if failures < tonumber(ARGV[3]) then return 0 end
add_to_index(KEYS[2], ARGV[1], ARGV[2], KEYS[1])
return redis.call('HGET', KEYS[1], 'whole') == '1' and 1 or 2

-- include: numbers, index, body, versions, rank, in_flight, delivered
-- KEYS event, due, dead, endpoint, body, tombstone, journal, delivered, in flight, waiting
-- ARGV lease, now, status, outcome ('' = the endpoint was not asked), next_attempt_at ('' = no more),
-- record_ttl, seconds to keep what was delivered, bytes ('' = as they were), fields...
for _, place in ipairs({2, 6, 7}) do whole(ARGV[place]) end
if ARGV[5] ~= '' then whole(ARGV[5]) end
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
local status, outcome = ARGV[3], ARGV[4]
end_delivery({due = KEYS[2], in_flight = KEYS[9], waiting = KEYS[10]}, KEYS[1], tonumber(ARGV[2]))
redis.call('HSET', KEYS[1], 'delivery', status, unpack(ARGV, 9))
keep_body(KEYS[5], ARGV[6], ARGV[8])
if status == 'delivered' then
  local at = {event = KEYS[1], body = KEYS[5], tombstone = KEYS[6], journal = KEYS[7], delivered = KEYS[8]}
  end_as_delivered(at, ARGV[2], ARGV[6], ARGV[7])
end
if outcome == 'delivered' then
  redis.call('HDEL', KEYS[4], 'failing_since', 'disabled_at', 'probed_at')
  redis.call('HSET', KEYS[4], 'delivered_at', ARGV[2])
elseif outcome == 'failed' or outcome == 'gone' then
  redis.call('HSETNX', KEYS[4], 'failing_since', ARGV[2])
  if outcome == 'gone' then redis.call('HSETNX', KEYS[4], 'disabled_at', ARGV[2]) end
end
redis.call('EXPIRE', KEYS[4], ARGV[6])
if status == 'due' then
  redis.call('ZADD', KEYS[2], ARGV[5], KEYS[1])
  redis.call('EXPIRE', KEYS[2], ARGV[6])
else
  redis.call('ZREM', KEYS[2], KEYS[1])
  if status == 'dead' then add_to_index(KEYS[3], ARGV[2], ARGV[6], KEYS[1]) end
  if status == 'kept' then list_in_journal(KEYS[7], ARGV[2], ARGV[6], KEYS[1]) end
end
return 1

-- include: numbers, index, versions, rank, in_flight, delivered, endpoint
-- KEYS event, body, tombstone, due, journal, delivered, in flight, waiting, endpoints, then of each endpoint its
--   copy's record and body, its due, its dead, its health
-- ARGV lease, now, record_ttl, seconds to keep the event, score of the copies in due, their lease, names...
-- Returns the state of each endpoint; none: the lease has passed to another worker.
for _, place in ipairs({2, 3, 4, 5}) do whole(ARGV[place]) end
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return {} end
end_delivery({due = KEYS[4], in_flight = KEYS[7], waiting = KEYS[8]}, KEYS[1], tonumber(ARGV[2]))
if redis.call('ZREM', KEYS[4], KEYS[1]) == 0 then return {} end
redis.call('HSET', KEYS[1], 'delivery', 'due', 'attempts', 0, 'problem', '')
local record, body, states = redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[2]), {}
for place = 10, #KEYS, 5 do
  local copy, copied_body, due, dead, health = unpack(KEYS, place, place + 4)
  local name = ARGV[6 + #states + 1]
  redis.call('DEL', copy)
  redis.call('HSET', copy, unpack(record))
  redis.call('HSET', copy, 'endpoint', name, 'lease', ARGV[6])
  redis.call('EXPIRE', copy, ARGV[3])
  if body then redis.call('SET', copied_body, body, 'EX', ARGV[3]) end
  redis.call('ZREM', dead, copy)
  redis.call('ZADD', due, ARGV[5], copy)
  redis.call('EXPIRE', due, ARGV[3])
  redis.call('SADD', KEYS[9], name)
  states[#states + 1] = state_of_endpoint(health, tonumber(ARGV[2]))
end
redis.call('EXPIRE', KEYS[9], ARGV[3])
redis.call('HSET', KEYS[1], 'delivery', 'delivered')
local at = {event = KEYS[1], body = KEYS[2], tombstone = KEYS[3], journal = KEYS[5], delivered = KEYS[6]}
end_as_delivered(at, ARGV[2], ARGV[3], ARGV[4])
return states

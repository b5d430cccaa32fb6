-- include: numbers, rank
-- KEYS event, due, dead, body, journal, delivered   ARGV now, record_ttl
whole(ARGV[1])
whole(ARGV[2])
local delivery, status, origin, raw = unpack(redis.call('HMGET', KEYS[1], 'delivery', 'status', 'origin', 'raw'))
if not delivery or delivery == 'withheld' then return 0 end
-- A release that kept the bytes for as long as the record has them in it.
if not raw and redis.call('EXISTS', KEYS[4]) == 0 then return 0 end
redis.call('EXPIRE', KEYS[4], ARGV[2])
if redis.call('ZREM', KEYS[6], KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
redis.call('ZREM', KEYS[5], KEYS[1])
redis.call('HSET', KEYS[1], 'delivery', 'due', 'attempts', 0, 'lease', '')
redis.call('ZREM', KEYS[3], KEYS[1])
local rank = status == 'held' and 1 or (status == 'recorded' and origin == 'push') and 2 or 0
redis.call('ZADD', KEYS[2], rank * RANK_STEP + ARGV[1], KEYS[1])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1

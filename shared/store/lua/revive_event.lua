-- KEYS event, due, dead   ARGV now
local delivery = redis.call('HGET', KEYS[1], 'delivery')
if not delivery or delivery == 'withheld' then return 0 end
redis.call('HSET', KEYS[1], 'delivery', 'due', 'attempts', 0, 'lease', '')
redis.call('ZREM', KEYS[3], KEYS[1])
redis.call('ZADD', KEYS[2], ARGV[1], KEYS[1])
return 1

-- Add an event to an index of its partition, and remove those whose record has expired.
local function add_to_index(index, now, record_ttl, event)
  redis.call('ZADD', index, now, event)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', tonumber(now) - tonumber(record_ttl))
  redis.call('EXPIRE', index, record_ttl)
end

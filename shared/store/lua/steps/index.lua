-- Add an event to an index of its partition, and remove those whose record has expired.
local function add_to_index(index, now, record_ttl, event)
  redis.call('ZADD', index, now, event)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', tonumber(now) - tonumber(record_ttl))
  redis.call('EXPIRE', index, record_ttl)
end
-- List an event that waits for nothing by its receipt: one that is due, dead or quarantined is in that index alone.
local function list_in_journal(journal, now, record_ttl, event)
  redis.call('ZADD', journal, tonumber(redis.call('HGET', event, 'received_at')) or now, event)
  redis.call('EXPIRE', journal, record_ttl)
end

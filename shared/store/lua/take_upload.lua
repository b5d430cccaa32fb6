-- include: numbers
-- KEYS index, upload   ARGV upload id, now, lease_ends_at
-- Take an upload that is due in an index, which names it again when the lease ends; returns its record, or
-- nothing if another run has taken it. One whose record is gone is removed.
whole(ARGV[2])
whole(ARGV[3])
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[2]) then return {} end
local record = redis.call('HGETALL', KEYS[2])
if #record == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return record

-- include: numbers
-- KEYS index   ARGV now, lease_ends_at, most
-- Returns the members that are due; they are due again when the lease ends.
for place = 1, 3 do whole(ARGV[place]) end
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[2], member) end
return due

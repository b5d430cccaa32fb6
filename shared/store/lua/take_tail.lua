-- include: numbers
-- KEYS tail   ARGV now, lease, lease_ends_at, record_ttl, first position
-- Returns 1 and the position, or 0 and the position if another run holds it. One that is lost is the first.
for _, place in ipairs({1, 3, 4}) do whole(ARGV[place]) end
local seen = redis.call('HMGET', KEYS[1], 'position', 'lease_ends_at')
local position = seen[1]
if not (position and position:match('^%d+ %d+$')) then position = ARGV[5] end
if (tonumber(seen[2]) or 0) > tonumber(ARGV[1]) then return {0, position} end
redis.call('HSET', KEYS[1], 'position', position, 'lease', ARGV[2], 'lease_ends_at', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {1, position}

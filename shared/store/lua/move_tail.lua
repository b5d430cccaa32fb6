-- include: numbers
-- KEYS tail   ARGV lease, lease_ends_at, position
whole(ARGV[2])
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'position', ARGV[3], 'lease_ends_at', ARGV[2])
return 1

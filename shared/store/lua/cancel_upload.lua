-- include: release
-- KEYS upload, open uploads, usage of the day   ARGV user, now, upload_id
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[1] then return {'unknown'} end
local seen = redis.call('HMGET', KEYS[1], 'file_id', 'expired_at', 'ends_at', 'cancelled_at')
if not seen[1] and not seen[2] and not seen[4] and tonumber(ARGV[2]) < tonumber(seen[3]) then
  redis.call('HSET', KEYS[1], 'cancelled_at', ARGV[2], 'updated_at', ARGV[2])
  release(KEYS[1], KEYS[2], KEYS[3], ARGV[3], '')
end
return {'known', redis.call('HGETALL', KEYS[1])}

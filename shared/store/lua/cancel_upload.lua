-- include: numbers
-- KEYS upload, open uploads, usage of the day   ARGV user, now, upload_id
-- What is reserved stays so until the last signature has expired: nothing recalls one that is out.
local now = whole(ARGV[2])
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[1] then return {'unknown'} end
local file_id, expired_at, ends_at, cancelled_at, signed_until, quota, reserved_bytes = unpack(redis.call(
  'HMGET', KEYS[1], 'file_id', 'expired_at', 'ends_at', 'cancelled_at', 'signed_until', 'quota',
  'reserved_bytes'))
if not file_id and not expired_at and not cancelled_at and now < tonumber(ends_at) then
  signed_until = tonumber(signed_until) or 0
  redis.call('HSET', KEYS[1], 'cancelled_at', ARGV[2], 'updated_at', ARGV[2])
  redis.call('ZADD', KEYS[2], 'XX', signed_until, ARGV[3])
  if quota == 'reserved' then
    redis.call('HSET', KEYS[1], 'quota', 'cancelled')
    if redis.call('EXISTS', KEYS[3]) == 1 then
      redis.call('HSET', KEYS[3], ARGV[3], signed_until .. ' ' .. reserved_bytes)
    end
  end
end
return {'known', redis.call('HGETALL', KEYS[1])}

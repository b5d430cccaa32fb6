-- include: numbers
-- KEYS task, budget   ARGV record_ttl, size, most bytes ('' = it takes from no budget)
whole(ARGV[1])
whole(ARGV[2])
if ARGV[3] ~= '' then whole(ARGV[3]) end
local token = redis.call('GET', KEYS[1])
if token then return token end
if ARGV[3] ~= '' then
  local bytes = tonumber(redis.call('HGET', KEYS[2], 'bytes') or 0) + tonumber(ARGV[2])
  if bytes > tonumber(ARGV[3]) then return '' end
  redis.call('HSET', KEYS[2], 'bytes', bytes)
  redis.call('EXPIRE', KEYS[2], ARGV[1])
end
redis.call('SET', KEYS[1], '', 'EX', ARGV[1])
return ''

-- include: numbers
-- KEYS upload, enforcements   ARGV member, field, content, record_ttl
-- Record what is about to be done; 0 = an operator has stopped it, or the upload is erased.
whole(ARGV[4])
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[4]) end
return 1

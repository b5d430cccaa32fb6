-- include: index, apply
-- KEYS event, due, quarantined, upload, checks, open uploads, usage of the day
-- ARGV now, record_ttl, lease, facts ('' = the read-back disagreed), fields...
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[3] then return {'lost', '', 0, 0} end
if ARGV[4] == '' then
  redis.call('HSET', KEYS[1], 'status', 'recorded', 'verdict', 'quarantined', 'delivery', 'withheld')
  redis.call('ZREM', KEYS[2], KEYS[1])
  add_to_index(KEYS[3], ARGV[1], ARGV[2], KEYS[1])
  return {'quarantined', 'quarantined', 0, 0}
end
local facts = cjson.decode(ARGV[4])
local at = {upload = KEYS[4], checks = KEYS[5], open = KEYS[6], usage = KEYS[7]}
local verdict, sequence, limits = apply(at, ARGV[1], ARGV[2], facts)
local status = facts.verified and 'verified' or 'applied'
if ARGV[5] then redis.call('HSET', KEYS[1], unpack(ARGV, 5)) end
local verified = facts.verified and 1 or 0
redis.call('HSET', KEYS[1], 'status', status, 'verdict', verdict, 'sequence', sequence, 'verified', verified,
  'limits', limits)
return {status, verdict, sequence, 0, limits}

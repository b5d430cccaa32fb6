-- include: index, apply, versions, body
-- KEYS event, due, quarantined, dead, upload, checks, open uploads, usage of the upload's day,
--   usage of this day, first, body, tombstone of the first, journal, proofs, enforcements
-- ARGV now, record_ttl, lease, facts ('' = the read-back disagreed), bytes ('' = as they were)
-- first: the event itself, or the one of which it is a further version.
whole(ARGV[1])
whole(ARGV[2])
local facts = ARGV[4] ~= '' and cjson.decode(ARGV[4])
if facts then check_facts(facts) end
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[3] then return {'lost', '', 0, 0} end
local first = {record = KEYS[10], tombstone = KEYS[12]}
if KEYS[10] ~= KEYS[1] and not (facts and not is_told(first, facts.compared)) then
  -- VOD has no other version than the one that is told, or none that it would confirm.
  redis.call('DEL', KEYS[1], KEYS[11])
  redis.call('ZREM', KEYS[2], KEYS[1])
  return {'duplicate', '', 0, 0}
end
if not facts then
  redis.call('HSET', KEYS[1], 'status', 'recorded', 'verdict', 'quarantined', 'delivery', 'withheld')
  redis.call('ZREM', KEYS[2], KEYS[1])
  add_to_index(KEYS[3], ARGV[1], ARGV[2], KEYS[1])
  return {'quarantined', 'quarantined', 0, 0}
end
local verdict, sequence, limits, declared = 'unattributed', 0, '', ''
if facts.upload_id ~= '' then
  local at = {upload = KEYS[5], checks = KEYS[6], open = KEYS[7], usage = KEYS[8], today = KEYS[9], proofs = KEYS[14],
    enforcements = KEYS[15]}
  verdict, sequence, limits, declared = apply(at, ARGV[1], ARGV[2], facts, changes_cover(KEYS[1], first, facts))
end
local status = facts.verified and 'verified' or 'applied'
keep_body(KEYS[11], ARGV[2], ARGV[5])
if facts.verified then record_version(KEYS[1], first, {due = KEYS[2], dead = KEYS[4], journal = KEYS[13]}, ARGV[1], ARGV[2], facts.content) end
local written = {'status', status, 'verdict', verdict, 'sequence', sequence, 'verified', facts.verified and 1 or 0}
add_copies(written, limits, declared)
redis.call('HSET', KEYS[1], unpack(written))
return {status, verdict, sequence, 0, limits, declared}

-- include: index, apply, versions, body, rank, endpoint
-- KEYS event, journal, due, quarantined, dead, endpoint, upload, checks, open uploads, usage of the upload's
--   day, usage of this day, first, body, tombstone, tombstone of the first, proofs, enforcements, budget
-- ARGV now, record_ttl, next_attempt_at ('' = nothing to deliver), intended, facts, bytes, size, most events
--   ('' = it takes from no budget), most bytes, fields...
-- intended: 'applied' = trust the event; 'held' = not yet; 'recorded' = it moves no upload;
-- 'quarantined' = never deliver it. first: the event itself, or of which this is a further version.
-- facts.may_replace: VOD's own, or a claim that VOD can be asked about. facts.compared: the content by which
-- it is looked for among those told; facts.content: as it is kept.
local intended, facts = ARGV[4], cjson.decode(ARGV[5])
for _, place in ipairs({1, 2, 7}) do whole(ARGV[place]) end
for _, place in ipairs({3, 8, 9}) do
  if ARGV[place] ~= '' then whole(ARGV[place]) end
end
check_facts(facts)
local event, first = {record = KEYS[1], tombstone = KEYS[14]}, {record = KEYS[12], tombstone = KEYS[15]}
local is_further = KEYS[12] ~= KEYS[1]
if is_further and is_told(first, facts.compared) then return {'duplicate', '', 0, 0} end
local taken, is_over = nil, false
if ARGV[8] ~= '' then
  -- What an upload's events have taken stands in its record, if there is one: that takes a key less.
  taken = redis.call('EXISTS', KEYS[7]) == 1 and {key = KEYS[7], events = 'pushed', bytes = 'pushed_bytes'}
    or {key = KEYS[18], events = 'events', bytes = 'bytes'}
  local before = redis.call('HMGET', taken.key, taken.events, taken.bytes)
  taken.count, taken.size = tonumber(before[1] or 0) + 1, tonumber(before[2] or 0) + tonumber(ARGV[7])
  is_over = taken.count > tonumber(ARGV[8]) or taken.size > tonumber(ARGV[9])
end
-- A dead record that could not be read is journaled anew when its event comes again.
local dead = redis.call('HMGET', KEYS[1], 'delivery', 'problem')
if not is_over and dead[1] == 'dead' and dead[2] and dead[2]:find('^unreadable record') then
  redis.call('ZREM', KEYS[5], KEYS[1])
  redis.call('DEL', KEYS[1], KEYS[13], KEYS[14])
end
-- What a read-back did not believe, or was given up, stands in nobody's way: VOD may have been asked too
-- early, or a lie have been told under the name of what is true by now.
local waits = false
if intended == 'held' or facts.may_replace then
  local seen = redis.call('HMGET', KEYS[1], 'status', 'verified')
  waits = seen[1] == 'held' or (is_further and seen[2] == '0')
  -- What is over its budget takes the place of nothing.
  local disbelieved = not is_over and redis.call('ZREM', KEYS[4], KEYS[1]) == 1
  local given_up = waits and not is_over and redis.call('ZREM', KEYS[5], KEYS[1]) == 1
  if disbelieved or given_up or (waits and facts.verified) then
    redis.call('DEL', KEYS[1], KEYS[13], KEYS[14])
  elseif waits then
    -- Longer than any lease: nobody is at work on it. This copy may be the true one, so VOD is asked now.
    local second, rank = split_score(tonumber(redis.call('ZSCORE', KEYS[3], KEYS[1]) or 0))
    if second > tonumber(ARGV[1]) + 30 then redis.call('ZADD', KEYS[3], rank + ARGV[1], KEYS[1]) end
  end
end
if is_known(event) then
  if waits or is_further or not facts.may_replace or is_told(first, facts.compared) then
    return {'duplicate', '', 0, 0}
  end
  local contents = contents_of(first)
  return {'other-version', '', contents and select(2, string.gsub(contents, '%S+', '')) or 0, 0}
end
if facts.first.expired_at then
  -- An upload ends only if nothing came of it.
  local seen = redis.call('HMGET', KEYS[7], 'user_id', 'file_id', 'cancelled_at')
  if not seen[1] or seen[2] or seen[3] then
    -- The event that used it has planned its own next check.
    if not seen[2] then redis.call('ZREM', KEYS[8], facts.upload_id) end
    return {'superseded', '', 0, 0}
  end
end
if is_over then return {'over budget', '', 0, 0} end
if taken then
  redis.call('HSET', taken.key, taken.events, taken.count, taken.bytes, taken.size)
  redis.call('EXPIRE', taken.key, ARGV[2])
end
redis.call('HSET', KEYS[1], 'verified', facts.verified and 1 or 0, unpack(ARGV, 10))
redis.call('EXPIRE', KEYS[1], ARGV[2])
keep_body(KEYS[13], ARGV[2], ARGV[6])
if ARGV[3] == '' and intended ~= 'quarantined' then
  add_to_index(KEYS[2], ARGV[1], ARGV[2], KEYS[1])
elseif ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[3], ARGV[3], KEYS[1])
  redis.call('EXPIRE', KEYS[3], ARGV[2])
end
local status, verdict, sequence, limits, declared, written = intended, '', 0, '', '', {}
if intended == 'quarantined' then
  status = 'recorded'
  add_to_index(KEYS[4], ARGV[1], ARGV[2], KEYS[1])
elseif intended == 'applied' then
  local at = {upload = KEYS[7], checks = KEYS[8], open = KEYS[9], usage = KEYS[10], today = KEYS[11], proofs = KEYS[16],
    enforcements = KEYS[17]}
  verdict, sequence, limits, declared = apply(at, ARGV[1], ARGV[2], facts, changes_cover(KEYS[1], first, facts))
  written = {'verdict', verdict, 'sequence', sequence}
  add_copies(written, limits, declared)
end
if facts.verified then record_version(KEYS[1], first, {due = KEYS[3], dead = KEYS[5], journal = KEYS[2]}, ARGV[1], ARGV[2], facts.content) end
redis.call('HSET', KEYS[1], 'status', status, unpack(written))
return {status, verdict, sequence, state_of_endpoint(KEYS[6], tonumber(ARGV[1])), limits, declared}

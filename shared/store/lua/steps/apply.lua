-- include: numbers, text, usage, proof, enforce
-- Check the numbers of what an event says of its upload.
local function check_facts(facts)
  check_numbers(facts, {'rank', 'finished_rank'})
  -- -1 = as planned.
  if facts.check_after ~= -1 then whole(facts.check_after) end
  if facts.size ~= 'unknown' then whole(facts.size) end
  for _, members in ipairs({facts.first, facts.origin}) do
    for _, name in ipairs({'uploaded_at', 'expired_at', 'size', 'issued_at', 'ends_at', 'updated_at'}) do
      if members[name] then whole(members[name]) end
    end
  end
end
-- Add what its upload began with to what is to be written of an event.
local function add_copies(written, limits, declared)
  if limits ~= '' then add_field(written, 'limits', limits) end
  if declared and declared ~= '' then add_field(written, 'declared', declared) end
end
-- Add the facts that are kept as first learnt to what is to be written of an upload; `replaces`: all of them.
local function add_first(written, upload, first, replaces)
  local names = {}
  for field in pairs(first) do names[#names + 1] = field end
  if #names == 0 then return end
  local known = replaces and {} or redis.call('HMGET', upload, unpack(names))
  for place, field in ipairs(names) do
    if not known[place] then add_text(written, field, first[field]) end
  end
end
-- Add what an event says to its upload; returns verdict, sequence number, of a file its limits, and of its
-- digests the declared ones.
-- The upload's record may be lost: the sealed token is the truth about identity, so it is made anew.
-- is_change: of the file, which is known, only the cover is another.
local function apply(at, now, record_ttl, facts, is_change)
  local upload, checks = at.upload, at.checks
  if redis.call('EXISTS', upload) == 0 then
    for field, value in pairs(facts.origin) do redis.call('HSET', upload, field, value) end
  end
  local known_sequence, claimed, uploaded_at, expired_at, ends_at, cancelled_at, known_rank = unpack(redis.call('HMGET',
    upload, 'sequence', 'file_id', 'uploaded_at', 'expired_at', 'ends_at', 'cancelled_at', 'procedure_rank'))
  -- Not HINCRBY, which can fail: nothing that was written before would be taken back.
  local sequence = (tonumber(known_sequence or 0) or 0) + 1
  local written = {'sequence', string.format('%.0f', sequence)}
  redis.call('EXPIRE', upload, record_ttl)
  local limits = facts.first.uploaded_at and read_text(upload, 'limits') or ''
  -- What nobody but a pusher has said about the file gives way to what VOD says.
  local replaces = facts.verified and facts.first.uploaded_at and redis.call('HDEL', upload, 'unverified') == 1
  if replaces then
    redis.call('HDEL', upload, 'file_id', 'size', 'duration', 'media_type')
    for _, field in ipairs({'media_url', 'cover_url'}) do remove_text(upload, field) end
    claimed = false
  end
  local is_new_file = facts.verified and facts.first.uploaded_at and (replaces or not uploaded_at)
  if is_change and claimed then
    if claimed == facts.file_id then
      remove_text(upload, 'cover_url')
      add_text(written, 'cover_url', facts.first.cover_url)
      add_field(written, 'updated_at', now)
    end
    redis.call('HSET', upload, unpack(written))
    return 'cover_changed', sequence, limits
  end
  if claimed and facts.file_id ~= '' and claimed ~= facts.file_id then
    charge_replay(at, tonumber(now), facts)
    enforce_later(at, now, record_ttl, facts, 'replayed')
    redis.call('HSET', upload, unpack(written))
    return 'replayed', sequence, limits
  end
  if facts.file_id ~= '' and not claimed then add_field(written, 'file_id', facts.file_id) end
  local verdict = is_change and 'cover_changed' or 'attributed'
  if facts.first.uploaded_at and not is_change then
    if tonumber(now) >= (tonumber(ends_at) or 0) or cancelled_at or expired_at then verdict = 'late' end
  end
  if not is_change then enforce_later(at, now, record_ttl, facts, verdict) end
  if facts.is_claim and not (claimed and uploaded_at) then add_field(written, 'unverified', 1) end
  add_first(written, upload, facts.first, replaces)
  -- Of two ends the later one counts: a task flow that was redone ends again.
  local rank = tonumber(known_rank or 0) or 0
  if facts.rank > rank or (facts.rank == rank and rank == facts.finished_rank) then
    rank = facts.rank
    remove_text(upload, 'procedure')
    add_text(written, 'procedure', facts.outcome)
    add_field(written, 'procedure_rank', rank)
  end
  redis.call('HSET', upload, 'updated_at', now, unpack(written))
  if facts.first.uploaded_at or facts.first.expired_at then release(at, tonumber(now), facts, replaces) end
  if is_new_file then await_proof(at, now, record_ttl, facts.upload_id) end
  local has_ended = uploaded_at or expired_at or facts.first.uploaded_at or facts.first.expired_at
  if facts.check_after > 0 then
    redis.call('ZADD', checks, tonumber(now) + facts.check_after, facts.upload_id)
    redis.call('EXPIRE', checks, record_ttl)
  elseif facts.check_after == 0 and has_ended then
    -- A task flow may be finished while the event of its upload is still missed, and may be running
    -- when that event, should it be a reconciled one, does not name it.
    local running = rank > 0 and rank < facts.finished_rank
    if not running then redis.call('ZREM', checks, facts.upload_id) end
  end
  return verdict, sequence, limits, facts.verified and end_proof(at, facts) or ''
end

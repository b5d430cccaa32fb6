-- include: numbers, text, usage, proof, enforce
-- Check the numbers of what an event says of its upload.
local function check_facts(facts)
  check_numbers(facts, 'rank finished_rank')
  -- -1 = as planned.
  if facts.check_after ~= -1 then whole(facts.check_after) end
  if facts.size ~= 'unknown' then whole(facts.size) end
  for _, members in ipairs({facts.first, facts.origin}) do
    for name in ('uploaded_at expired_at size issued_at ends_at updated_at'):gmatch('%S+') do
      if members[name] then whole(members[name]) end
    end
  end
end
-- Keep with an event what its upload began with.
local function keep_copies(event, limits, declared)
  if limits ~= '' then redis.call('HSET', event, 'limits', limits) end
  if declared and declared ~= '' then redis.call('HSET', event, 'declared', declared) end
end
-- Add what an event says to its upload; returns verdict, sequence number, of a file its limits, and of its
-- digests the declared ones.
-- The upload's record may be lost: the sealed token is the truth about identity, so it is made anew.
-- is_change: of the file, which is known, only the cover is another.
local function apply(at, now, record_ttl, facts, is_change)
  local upload, checks = at.upload, at.checks
  local function has(field) return redis.call('HEXISTS', upload, field) == 1 end
  if redis.call('EXISTS', upload) == 0 then
    for field, value in pairs(facts.origin) do redis.call('HSET', upload, field, value) end
  end
  -- Not HINCRBY, which can fail: nothing that was written before would be taken back.
  local sequence = (tonumber(redis.call('HGET', upload, 'sequence') or 0) or 0) + 1
  redis.call('HSET', upload, 'sequence', string.format('%.0f', sequence))
  redis.call('EXPIRE', upload, record_ttl)
  local limits = facts.first.uploaded_at and read_text(upload, 'limits') or ''
  -- What nobody but a pusher has said about the file gives way to what VOD says.
  local replaces = facts.verified and facts.first.uploaded_at and redis.call('HDEL', upload, 'unverified') == 1
  if replaces then
    redis.call('HDEL', upload, 'file_id', 'size', 'duration', 'media_type')
    for _, field in ipairs({'media_url', 'cover_url'}) do remove_text(upload, field) end
  end
  local is_new_file = facts.verified and facts.first.uploaded_at and (replaces or not has('uploaded_at'))
  local claimed = redis.call('HGET', upload, 'file_id')
  if is_change and claimed then
    if claimed == facts.file_id then
      remove_text(upload, 'cover_url')
      write_text(upload, 'cover_url', facts.first.cover_url)
      redis.call('HSET', upload, 'updated_at', now)
    end
    return 'cover_changed', sequence, limits
  end
  if claimed and facts.file_id ~= '' and claimed ~= facts.file_id then
    charge_replay(at, tonumber(now), facts)
    enforce_later(at, now, record_ttl, facts, 'replayed')
    return 'replayed', sequence, limits
  end
  if facts.file_id ~= '' then redis.call('HSETNX', upload, 'file_id', facts.file_id) end
  local verdict = is_change and 'cover_changed' or 'attributed'
  if facts.first.uploaded_at and not is_change then
    local seen = redis.call('HMGET', upload, 'ends_at', 'cancelled_at', 'expired_at')
    if tonumber(now) >= (tonumber(seen[1]) or 0) or seen[2] or seen[3] then verdict = 'late' end
  end
  if not is_change then enforce_later(at, now, record_ttl, facts, verdict) end
  if facts.is_claim and not (claimed and has('uploaded_at')) then redis.call('HSET', upload, 'unverified', 1) end
  for field, value in pairs(facts.first) do
    if replaces or not has(field) then write_text(upload, field, value) end
  end
  if facts.first.uploaded_at or facts.first.expired_at then release(at, tonumber(now), facts, replaces) end
  -- Of two ends the later one counts: a task flow that was redone ends again.
  local rank = tonumber(redis.call('HGET', upload, 'procedure_rank') or 0) or 0
  if facts.rank > rank or (facts.rank == rank and rank == facts.finished_rank) then
    remove_text(upload, 'procedure')
    write_text(upload, 'procedure', facts.outcome)
    redis.call('HSET', upload, 'procedure_rank', facts.rank)
  end
  redis.call('HSET', upload, 'updated_at', now)
  if is_new_file then await_proof(at, now, record_ttl, facts.upload_id) end
  if facts.check_after > 0 then
    redis.call('ZADD', checks, tonumber(now) + facts.check_after, facts.upload_id)
    redis.call('EXPIRE', checks, record_ttl)
  elseif facts.check_after == 0 and (has('uploaded_at') or has('expired_at')) then
    -- A task flow may be finished while the event of its upload is still missed, and may be running
    -- when that event, should it be a reconciled one, does not name it.
    local rank = tonumber(redis.call('HGET', upload, 'procedure_rank') or 0)
    local running = rank > 0 and rank < facts.finished_rank
    if not running then redis.call('ZREM', checks, facts.upload_id) end
  end
  return verdict, sequence, limits, facts.verified and end_proof(at, facts) or ''
end

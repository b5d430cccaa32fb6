local function check_renewal(terms)
  check_numbers(terms, {'now_ms', 'now', 'renewal_interval', 'renewal_burst', 'signatures', 'open_limit'})
  check_numbers(terms, {'commit_retry_seconds', 'nonce_ttl', 'record_ttl'})
end
-- Reserve another signature of an upload. Refused, and nothing written, if the request differs from what the
-- upload began with, if it has had all its signatures, or if it has ended: with the first event of its file,
-- apart from the seconds in which a Commit whose answer was lost may be repeated. A cancelled upload goes on
-- if one of its signatures can still be used. One for a cover (terms.cover) is for an upload that has its file.
local function renew(at, upload_id, terms, first_nonce)
  local now = terms.now
  local grant = cjson.decode(read_text(at.upload, 'grant'))
  local ends_at, uploaded_at, expired_at, cancelled_at, signed_until, signatures, file_id, procedure, md5, sha1 =
    unpack(redis.call('HMGET', at.upload, 'ends_at', 'uploaded_at', 'expired_at', 'cancelled_at',
      'signed_until', 'signatures', 'file_id', 'procedure', 'md5', 'sha1'))
  grant.md5, grant.sha1 = md5, sha1
  local marks = {'policy:' .. grant.policy, unpack(terms.deny_keys)}
  if is_denied(at.denied, now, marks) then return {'denied'} end

  signed_until, signatures = tonumber(signed_until) or 0, tonumber(signatures) or 1
  local refused = signatures >= terms.signatures
  for name, value in pairs(terms.repeated) do refused = refused or grant[name] ~= value end
  if terms.cover then
    refused = refused or cancelled_at or not (uploaded_at and file_id)
  elseif uploaded_at then
    refused = refused or cancelled_at or now >= tonumber(uploaded_at) + terms.commit_retry_seconds
  else
    local has_ended = file_id or procedure or expired_at or now >= tonumber(ends_at)
    refused = refused or has_ended or (cancelled_at and now >= signed_until)
  end
  if refused then return {'refused', redis.call('HGETALL', at.upload), upload_id} end
  local due, wait = slot_of(at.rate, terms.now_ms, terms.renewal_interval, terms.renewal_burst)
  if wait > 0 then return {'limited', wait, 'upload'} end
  signed_until = math.max(signed_until, now + whole(grant.ttl_seconds))
  local place = reserve_nonce(first_nonce, terms.nonce_ttl)
  if place == 0 then return {'crowded'} end

  local ahead = take_slot(at.rate, terms.now_ms, terms.renewal_interval, due)
  redis.call('HSET', at.upload, 'signatures', signatures + 1, 'signed_until', signed_until)
  if cancelled_at then
    redis.call('HDEL', at.upload, 'cancelled_at')
    redis.call('HSET', at.upload, 'updated_at', now)
    if redis.call('HGET', at.upload, 'quota') == 'cancelled' then
      redis.call('HDEL', at.usage, upload_id)
      redis.call('HSET', at.upload, 'quota', 'reserved')
    end
  end
  if terms.open_limit > 0 and not uploaded_at then
    redis.call('ZADD', at.open, signed_until, upload_id)
    redis.call('EXPIRE', at.open, terms.record_ttl)
  end
  return {'renewed', place, ahead, redis.call('HGETALL', at.upload), upload_id}
end

-- include: numbers, slot, nonce, denied, text, day, today, index, renew
-- KEYS upload, the same if begun the day before, checks, rate, rate of the network, rate of renewals,
-- open uploads, usage of the day, denied, the user's uploads, nonces...
-- ARGV terms, fields of the record...
-- terms: a JSON object of numbers, upload_ids, deny_keys, request ('' = without an Idempotency-Key) and what
-- `renew` takes; a limit of 0 is none. Of the user's uploads the newest `listed` are kept in his list.
-- Instants are Unix seconds, now_ms and the intervals milliseconds.
-- signed_until is the expiry of the signature, day_ends_at the end of the UTC day, check_at the time of the first
-- reconciliation; *_ttl are seconds.
local terms = cjson.decode(ARGV[1])
check_renewal(terms)
check_numbers(terms, {'interval', 'burst', 'network_interval', 'network_burst', 'day_limit', 'bytes_limit'})
check_numbers(terms, {'bytes', 'listed', 'signed_until', 'day_ends_at', 'check_at'})
local now_ms, now = terms.now_ms, terms.now

-- A key is kept for a day; within it the same request is another one for the same upload.
for place = 1, terms.request ~= '' and 2 or 0 do
  local known = redis.call('HMGET', KEYS[place], 'issued_at', 'request')
  if (tonumber(known[1]) or 0) > now - 86400 then
    if known[2] and known[2] ~= terms.request then return {'different'} end
    local at = {upload = KEYS[place], rate = KEYS[6], open = KEYS[7], usage = KEYS[8], denied = KEYS[9]}
    return renew(at, terms.upload_ids[place], terms, 11)
  end
end
if is_denied(KEYS[9], now, terms.deny_keys) then return {'denied'} end

-- All limits are asked before any is used up; the one that lasts longest tells when to come again.
local wait, limit = 0, ''
local function refuse_for(ms, name) if ms > wait then wait, limit = ms, name end end
local due, ms = slot_of(KEYS[4], now_ms, terms.interval, terms.burst)
refuse_for(ms, 'user')
local network_due = 0
if terms.network_interval > 0 then
  network_due, ms = slot_of(KEYS[5], now_ms, terms.network_interval, terms.network_burst)
  refuse_for(ms, 'network')
end
if terms.open_limit > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', now)
  local too_many = redis.call('ZCARD', KEYS[7]) - terms.open_limit
  if too_many >= 0 then
    refuse_for(redis.call('ZRANGE', KEYS[7], too_many, too_many, 'WITHSCORES')[2] * 1000 - now_ms, 'open')
  end
end
local counts_usage = terms.day_limit > 0 or terms.bytes_limit > 0
local today, returned, later = {uploads = 0, bytes = 0}, {}, {}
if counts_usage then
  today, returned, later = read_day(KEYS[8], now)
  today.uploads, today.bytes = today.uploads + 1, today.bytes + terms.bytes
  -- Until enough of what is cancelled is given back, or the day is over.
  local function wait_for(name, most)
    local rest = today[name]
    if most == 0 or rest <= most then return 0 end
    for _, one in ipairs(later) do
      rest = rest - one[name]
      if rest <= most then return one.at * 1000 - now_ms end
    end
    return terms.day_ends_at * 1000 - now_ms
  end
  refuse_for(wait_for('uploads', terms.day_limit), 'day')
  refuse_for(wait_for('bytes', terms.bytes_limit), 'bytes')
end
if wait > 0 then return {'limited', wait, limit} end
local place = reserve_nonce(11, terms.nonce_ttl)
if place == 0 then return {'crowded'} end

local ahead, network_ahead = take_slot(KEYS[4], now_ms, terms.interval, due), 0
if terms.network_interval > 0 then
  network_ahead = take_slot(KEYS[5], now_ms, terms.network_interval, network_due)
end
redis.call('HSET', KEYS[1], 'signatures', 1, 'signed_until', terms.signed_until, unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], terms.record_ttl)
if terms.open_limit > 0 then
  redis.call('ZADD', KEYS[7], terms.signed_until, terms.upload_ids[1])
  redis.call('EXPIRE', KEYS[7], terms.record_ttl)
end
if counts_usage then
  -- As far as a sum is exact, so that none can fail.
  today.bytes = math.min(today.bytes, 2 ^ 53)
  redis.call('HSET', KEYS[8], 'uploads', today.uploads, 'bytes', string.format('%.0f', today.bytes))
  keep_usage(KEYS[8], now, terms.day_ends_at)
  if #returned > 0 then redis.call('HDEL', KEYS[8], unpack(returned)) end
  redis.call('HSET', KEYS[1], 'quota', 'reserved', 'reserved_bytes', terms.bytes)
end
if terms.listed > 0 then
  add_to_index(KEYS[10], now, terms.record_ttl, terms.upload_ids[1])
  redis.call('ZREMRANGEBYRANK', KEYS[10], 0, -1 - terms.listed)
end
redis.call('ZADD', KEYS[3], terms.check_at, terms.upload_ids[1])
redis.call('EXPIRE', KEYS[3], terms.record_ttl)
return {'issued', place, ahead, network_ahead, today.uploads, today.bytes}

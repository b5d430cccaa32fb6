-- include: day
-- What a user has used of a day: `uploads` and `bytes`, and for each cancelled upload, under its id, until when
-- one of its signatures can still be used, and the bytes that it had reserved.
local function add(used, more)
  -- As far as a sum is exact, so that none can fail.
  return string.format('%.0f', math.max(0, math.min((tonumber(used) or 0) + more, 2 ^ 53)))
end
-- Count what had not been reserved; of an upload that began on another day, nothing is given back.
local function charge(at, now, uploads, bytes)
  if at.usage ~= at.today then uploads, bytes = math.max(0, uploads), math.max(0, bytes) end
  if uploads == 0 and bytes == 0 then return end
  local used = redis.call('HMGET', at.today, 'uploads', 'bytes')
  redis.call('HSET', at.today, 'uploads', add(used[1], uploads), 'bytes', add(used[2], bytes))
  keep_usage(at.today, now, now - now % 86400 + 86400)
end
-- An upload that has got its file, or never will, is open no more. What it had reserved of its user's day
-- becomes what it has used: facts.size 'unknown' = as it was declared. A file that comes after all, under an
-- upload that had been given back, is counted again; one that `replaces` a mere claim, in its place.
local function release(at, now, facts, replaces)
  redis.call('ZREM', at.open, facts.upload_id)
  local kept, has_file = redis.call('HMGET', at.upload, 'quota', 'reserved_bytes'), facts.first.uploaded_at
  local quota, declared = kept[1], tonumber(kept[2]) or 0
  if not quota or (quota == 'used' and not replaces) then return end
  local is_reserved = quota == 'reserved' or quota == 'used'
    or (quota == 'cancelled' and redis.call('HDEL', at.usage, facts.upload_id) == 1)
  local used = has_file and (tonumber(facts.size) or declared) or 0
  redis.call('HSET', at.upload, 'quota', has_file and 'used' or 'returned',
    'reserved_bytes', has_file and used or declared)
  charge(at, now, (has_file and 1 or 0) - (is_reserved and 1 or 0), used - (is_reserved and declared or 0))
end
-- A further file under an upload: nothing was reserved for it. It counts once, however often it is told of.
local function charge_replay(at, now, facts)
  if facts.verified and facts.first.uploaded_at and redis.call('HEXISTS', at.upload, 'quota') == 1
    and redis.call('HSETNX', at.upload, 'replay:' .. facts.file_id, now) == 1 then
    charge(at, now, 1, tonumber(facts.size) or 0)
  end
end

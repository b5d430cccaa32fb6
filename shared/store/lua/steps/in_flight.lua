-- Of one upload one delivery is in flight to an endpoint: `in_flight` has the uploads, each with the second at
-- which the lease of its delivery ends, and `waiting` the events that wait for that end, as
-- 'upload:sequence:event'. They are due when the delivery ends, or else when its lease does.
local LAST = 999999999
-- Longer than any lease, also one by a clock that is ahead.
local KEPT_SECONDS = 7200
local function waiting_member(upload, sequence, event)
  return string.format('%s:%09d:%s', upload, tonumber(sequence) or LAST, event)
end
-- Begin the delivery of an event, or have it wait; returns whether it has begun.
local function begin_delivery(at, event, now, lease_ends_at, rank)
  local upload, sequence = unpack(redis.call('HMGET', event, 'upload_id', 'sequence'))
  if not upload then return true end
  local member = waiting_member(upload, sequence, event)
  local ends_at = tonumber(redis.call('ZSCORE', at.in_flight, upload) or 0)
  if ends_at > now then
    redis.call('ZADD', at.due, rank + ends_at, event)
    redis.call('ZADD', at.waiting, 0, member)
    redis.call('EXPIRE', at.waiting, KEPT_SECONDS)
    return false
  end
  redis.call('ZREM', at.waiting, member)
  redis.call('ZREMRANGEBYSCORE', at.in_flight, '-inf', now)
  redis.call('ZADD', at.in_flight, lease_ends_at, upload)
  redis.call('EXPIRE', at.in_flight, KEPT_SECONDS)
  return true
end
-- End the delivery of an event that is still indexed as due; the waiting one of the lowest sequence is due now.
local function end_delivery(at, event, now)
  local upload = redis.call('HGET', event, 'upload_id')
  local due = redis.call('ZSCORE', at.due, event)
  local ends_at = upload and redis.call('ZSCORE', at.in_flight, upload)
  -- After the lease had ended, another may have begun.
  if not (due and ends_at) or split_score(tonumber(due)) ~= tonumber(ends_at) then return end
  redis.call('ZREM', at.in_flight, upload)
  local following = redis.call('ZRANGEBYLEX', at.waiting, '[' .. upload .. ':', '(' .. upload .. ';')
  for _, member in ipairs(following) do
    redis.call('ZREM', at.waiting, member)
    local key = member:match('^[^:]*:[^:]*:(.*)$')
    local score = redis.call('ZSCORE', at.due, key)
    if score and key ~= event then
      local second, rank = split_score(tonumber(score))
      redis.call('ZADD', at.due, rank + math.min(second, now), key)
      return
    end
  end
end

-- One request each `interval` ms passes, and up to `burst` at once (GCRA).
-- Tell when the line of those before this one ends, and how many ms this one has to wait.
local function slot_of(key, now, interval, burst)
  -- A line longer than the burst was left by an instance whose clock is ahead.
  local due = math.max(math.min(tonumber(redis.call('GET', key) or now), now + burst * interval), now)
  return due, due - (burst - 1) * interval - now
end
local function take_slot(key, now, interval, due)
  redis.call('SET', key, string.format('%.0f', due + interval), 'PX', due + interval - now)
  return due + interval - now
end
-- Let a request pass, or not; returns ms to wait (0 = passed), and how many ms of the limit are used up.
local function wait_for_slot(key, now, interval, burst)
  local due, wait = slot_of(key, now, interval, burst)
  if wait > 0 then return wait, due - now end
  return 0, take_slot(key, now, interval, due)
end

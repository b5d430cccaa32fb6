-- The state of the app's endpoint by the marks in its key, as EndpointState of shared/domain/journal.py has it.
local OPEN, DISABLED, FAILING, PAUSED, PROBE = 0, 1, 2, 3, 4
local FAILING_SECONDS, PAUSED_SECONDS, PROBE_SECONDS = 60, 432000, 3600
local function state_of_endpoint(endpoint, now)
  local disabled, failing_since = unpack(redis.call('HMGET', endpoint, 'disabled_at', 'failing_since'))
  if disabled then return DISABLED end
  local seconds = failing_since and now - failing_since or 0
  if seconds > PAUSED_SECONDS then return PAUSED end
  return seconds > FAILING_SECONDS and FAILING or OPEN
end
-- The same for an event that is taken: of a paused endpoint one an hour is a probe.
local function state_for_taken(endpoint, now)
  local state = state_of_endpoint(endpoint, now)
  if state ~= PAUSED then return state == FAILING and OPEN or state end
  if tonumber(redis.call('HGET', endpoint, 'probed_at') or 0) > now - PROBE_SECONDS then return PAUSED end
  redis.call('HSET', endpoint, 'probed_at', now)
  return PROBE
end

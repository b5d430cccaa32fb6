-- include: numbers
-- KEYS pace   ARGV now_ms, slots a second at most, slots wanted, deliveries since the last call, failures since
--   then, pace_ttl
-- A slot each 1 / rate seconds, and up to a fifth of a second's at once (GCRA). The rate is 1 a second after
-- FAILURES failures without a delivery between them; with deliveries it doubles each second, up to the most.
-- Returns the slots, and the ms until there is one.
local FAILURES, DOUBLING_MS = 10, 1000
for place = 1, 6 do whole(ARGV[place]) end
local now, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'line', 'rate', 'changed_at', 'failures')
local rate = math.min(tonumber(kept[2] or most), most)
local changed_at, failures = tonumber(kept[3] or 0), tonumber(kept[4] or 0)
local is_taking = tonumber(ARGV[4]) > 0
failures = is_taking and 0 or failures + ARGV[5]
if failures >= FAILURES then
  rate, changed_at = 1, now
elseif is_taking and rate < most and math.abs(now - changed_at) >= DOUBLING_MS then
  rate, changed_at = math.min(2 * rate, most), now
end
local interval = 1000 / rate
local burst = math.max(1, math.floor(rate / 5)) * interval
-- A line longer than the burst was left by an instance whose clock is ahead, or at another rate.
local line = math.max(math.min(tonumber(kept[1] or now), now + burst), now)
local slots = math.min(wanted, math.floor((now + burst - line) / interval + 1e-6))
line = line + slots * interval
redis.call('HSET', KEYS[1], 'line', string.format('%.3f', line), 'changed_at', string.format('%.0f', changed_at),
  'failures', string.format('%.0f', math.min(failures, FAILURES)))
if rate < most then redis.call('HSET', KEYS[1], 'rate', rate) else redis.call('HDEL', KEYS[1], 'rate') end
redis.call('EXPIRE', KEYS[1], ARGV[6])
return {slots, math.ceil(math.max(0, line + interval - burst - now))}

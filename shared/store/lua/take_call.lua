-- include: numbers, slot
-- KEYS calls of one action   ARGV interval_ms, burst
-- Returns ms to wait; 0 = the call may be made. By the store's clock, which is one for all instances.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return (wait_for_slot(KEYS[1], now, whole(ARGV[1]), whole(ARGV[2])))

-- include: numbers, slot, today
-- KEYS the user's uploads, his open uploads, usage of the day, rate
-- ARGV after ('' = from the newest), most, now_ms, interval, burst, prefix of the keys of records
-- Returns the ids of a page, and one more if there are more; its records; and what is used: ms of the limit per
-- minute, open uploads, the end of the first of these (0 = none), and the day's uploads and bytes.
-- It names the keys of the records itself: they are in the partition of the list, where a cluster runs it.
for place = 2, 5 do whole(ARGV[place]) end
local most, now_ms = tonumber(ARGV[2]), tonumber(ARGV[3])
local now, first = math.floor(now_ms / 1000), 0
-- What is older than an upload that the list has no more is not in it either.
if ARGV[1] ~= '' then first = 1 + (redis.call('ZREVRANK', KEYS[1], ARGV[1]) or redis.call('ZCARD', KEYS[1])) end
local ids, records = redis.call('ZREVRANGE', KEYS[1], first, first + most), {}
for place = 1, math.min(#ids, most) do records[place] = redis.call('HGETALL', ARGV[6] .. ids[place]) end
local open = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. now, '+inf', 'LIMIT', 0, 1, 'WITHSCORES')
local day = read_day(KEYS[3], now)
return {ids, records, slot_of(KEYS[4], now_ms, tonumber(ARGV[4]), tonumber(ARGV[5])) - now_ms,
  redis.call('ZCOUNT', KEYS[2], '(' .. now, '+inf'), tonumber(open[2] or 0), day.uploads, day.bytes}

-- include: slot, nonce, denied
-- KEYS upload, rate, denied, nonces...   ARGV now_ms, now, interval_ms, burst, nonce_ttl, user, marks...
local kept = redis.call('HMGET', KEYS[1], 'user_id', 'grant')
if kept[1] ~= ARGV[6] then return {'unknown'} end
local marks = {'policy:' .. cjson.decode(kept[2]).policy, unpack(ARGV, 7)}
if is_denied(KEYS[3], tonumber(ARGV[2]), marks) then return {'denied'} end
local wait, ahead = wait_for_slot(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]))
if wait > 0 then return {'limited', wait, 'upload'} end
local place = reserve_nonce(4, ARGV[5])
if place == 0 then return {'crowded'} end
return {'issued', place, ahead, redis.call('HGETALL', KEYS[1])}

-- include: numbers, slot, nonce, denied, text, renew
-- KEYS upload, rate of renewals, open uploads, usage of the day, denied, nonces...   ARGV user, upload_id, terms
local terms = cjson.decode(ARGV[3])
check_renewal(terms)
if redis.call('HGET', KEYS[1], 'user_id') ~= ARGV[1] then return {'unknown'} end
local at = {upload = KEYS[1], rate = KEYS[2], open = KEYS[3], usage = KEYS[4], denied = KEYS[5]}
return renew(at, ARGV[2], terms, 6)

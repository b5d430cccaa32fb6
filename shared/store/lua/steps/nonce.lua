-- Take the first candidate nobody took in this second; returns its place, or 0 if all are taken.
local function reserve_nonce(first_key, ttl)
  for place = first_key, #KEYS do
    if redis.call('SET', KEYS[place], '1', 'NX', 'EX', ttl) then return place - first_key + 1 end
  end
  return 0
end

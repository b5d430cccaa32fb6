-- Keep the bytes of an event ('' = they stay as they are).
local function keep_body(key, record_ttl, body)
  if body ~= '' then redis.call('SET', key, body, 'EX', record_ttl) end
end

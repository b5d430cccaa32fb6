-- Whether one of these marks is on the deny list, and has not ended.
local function is_denied(list, now, marks)
  if redis.call('EXISTS', list) == 0 then return false end
  for _, entry in ipairs(redis.call('HMGET', list, unpack(marks))) do
    if entry then
      local denied_until = cjson.decode(entry)['until']
      if denied_until == 0 or denied_until > now then return true end
    end
  end
  return false
end

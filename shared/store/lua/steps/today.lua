-- Read what a user has used of a day: its uploads and bytes, without what is given back by now; the fields of the
-- usage for which that is so; and what is given back later, {at = Unix second, uploads = 1, bytes}, in that order.
local function read_day(usage, now)
  local day, cancelled, returned, later = {uploads = 0, bytes = 0}, {}, {}, {}
  local used = redis.call('HGETALL', usage)
  for place = 1, #used, 2 do
    local field, value = used[place], used[place + 1]
    if day[field] then
      day[field] = tonumber(value) or 0
    else
      local usable_until, bytes = value:match('(%d+) (%d+)')
      local one = {field = field, at = tonumber(usable_until) or 0, uploads = 1, bytes = tonumber(bytes) or 0}
      cancelled[#cancelled + 1] = one
    end
  end
  table.sort(cancelled, function(one, other) return one.at < other.at end)
  for _, one in ipairs(cancelled) do
    if one.at > now then
      later[#later + 1] = one
    else
      returned[#returned + 1] = one.field
      day.uploads, day.bytes = day.uploads - 1, math.max(0, day.bytes - one.bytes)
    end
  end
  return day, returned, later
end

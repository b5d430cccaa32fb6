-- Whether the app has been, or is being, told VOD's own version of an event, with this content.
-- `contents` are those of all its versions, kept with the first; a record of an older release has none.
-- A content is '', or a digest with its source: 'a:' = an answer of the API, 'e:' = an event of VOD's,
-- 'c:' = a claim, or one that VOD has confirmed. An answer and an event may report the same end differently,
-- so a content that is the first of its source is that of the version which is told. A release that compared
-- no covers kept '' with a file.
local function is_told(first, content)
  local seen = redis.call('HMGET', first, 'contents', 'verified', 'origin')
  if not seen[1] then return seen[2] == '1' or (seen[3] and seen[3] ~= 'push') end
  if seen[1] == '' then return true end
  local source, is_kept = string.sub(content, 1, 2), string.find(seen[1], string.sub(content, 3), 1, true)
  if source == 'c:' or string.find(seen[1], source, 1, true) then return is_kept end
  redis.call('HSET', first, 'contents', seen[1] .. ' ' .. content)
  return true
end
-- Whether an event that is not told yet brings another cover of a file that is.
local function changes_cover(event, first, facts)
  return first ~= event and facts.first.uploaded_at and redis.call('HEXISTS', first, 'contents') == 1
end
-- Record VOD's own version of an event. If it is not the first one, and that was no more than a claim, the
-- claim is not sent any more: its lease ends as well.
local function record_version(event, first, due, dead, content)
  if redis.call('EXISTS', first) == 0 then return end
  local seen = redis.call('HMGET', first, 'contents', 'delivery')
  if first ~= event and not is_told(first, '') then
    redis.call('ZREM', due, first)
    redis.call('ZREM', dead, first)
    redis.call('HSET', first, 'lease', '', 'delivery', seen[2] == 'delivered' and seen[2] or 'kept')
  end
  redis.call('HSET', first, 'contents', seen[1] and seen[1] .. ' ' .. content or content)
end

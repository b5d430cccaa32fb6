-- What the journal knows of an event's versions. It is kept with the first, in the field `contents` of its
-- record and, once it was delivered, in its tombstone, which outlives the record: {record = key, tombstone = key}.
-- A content is '', or a digest with its source: 'a:' = an answer of the API, 'e:' = an event of VOD's,
-- 'c:' = a claim, or one that VOD has confirmed. A release that compared no covers kept '' with a file, and
-- one before it nothing. The tombstone is '-' if the app was told a claim only.
local function contents_of(first)
  local seen = redis.call('HMGET', first.record, 'contents', 'verified', 'origin')
  if seen[1] then return seen[1] end
  if seen[2] == '1' or (seen[3] and seen[3] ~= 'push') then return '' end
  local tombstone = redis.call('GET', first.tombstone)
  return tombstone and tombstone ~= '-' and tombstone
end
local function is_known(event)
  return redis.call('EXISTS', event.record, event.tombstone) > 0
end
local function keep_contents(first, contents)
  if redis.call('EXISTS', first.record) == 1 then redis.call('HSET', first.record, 'contents', contents) end
  redis.call('SET', first.tombstone, contents, 'XX', 'KEEPTTL')
end
-- Keep in a tombstone what tells a copy of a delivered event from another version.
local function leave_tombstone(event, record_ttl)
  redis.call('SET', event.tombstone, contents_of(event) or '-', 'EX', record_ttl)
end
-- Whether the app has been, or is being, told VOD's own version of an event, with this content. An answer and
-- an event may report the same end differently, so a content that is the first of its source is that of the
-- version which is told.
local function is_told(first, content)
  local seen = contents_of(first)
  if not seen or seen == '' then return seen == '' end
  local source, is_kept = string.sub(content, 1, 2), string.find(seen, string.sub(content, 3), 1, true)
  if source == 'c:' or string.find(seen, source, 1, true) then return is_kept end
  keep_contents(first, seen .. ' ' .. content)
  return true
end
-- Whether an event that is not told yet brings another cover of a file that is.
local function changes_cover(event, first, facts)
  return first.record ~= event and facts.first.uploaded_at and contents_of(first)
end
-- Record VOD's own version of an event. If it is not the first one, and that was no more than a claim, the
-- claim is not sent any more: its lease ends as well.
local function record_version(event, first, indexes, now, record_ttl, content)
  if not is_known(first) then return end
  local seen = contents_of(first)
  if first.record ~= event and not seen then
    redis.call('ZREM', indexes.due, first.record)
    redis.call('ZREM', indexes.dead, first.record)
    if redis.call('EXISTS', first.record) == 1 then
      local is_delivered = redis.call('HGET', first.record, 'delivery') == 'delivered'
      redis.call('HSET', first.record, 'lease', '', 'delivery', is_delivered and 'delivered' or 'kept')
      if not is_delivered then list_in_journal(indexes.journal, now, record_ttl, first.record) end
    end
  end
  keep_contents(first, seen and seen ~= '' and seen .. ' ' .. content or content)
end

-- End an event that was delivered: kept whole for `keep_seconds`, and its tombstone for longer. The copy of an
-- endpoint has none, as its event has one.
local function end_as_delivered(at, now, record_ttl, keep_seconds)
  if not at.event:find('@', 1, true) then
    leave_tombstone({record = at.event, tombstone = at.tombstone}, record_ttl)
  end
  for _, key in ipairs({at.event, at.body}) do redis.call('EXPIRE', key, keep_seconds) end
  redis.call('ZREM', at.journal, at.event)
  add_to_index(at.delivered, now, keep_seconds, at.event)
end

-- An upload that has got its file, or never will, is open no more. What it had reserved of its user's
-- day becomes what it has used: `size` '' = no file, 'unknown' = as it was declared. A file that comes
-- after all, under an upload that had been given up, is counted again.
local function release(upload, open, usage, upload_id, size)
  redis.call('ZREM', open, upload_id)
  local kept, has_file = redis.call('HMGET', upload, 'quota', 'reserved_bytes'), size ~= ''
  local is_reserved = kept[1] == 'reserved'
  if not (is_reserved or (kept[1] == 'returned' and has_file)) then return end
  redis.call('HSET', upload, 'quota', has_file and 'used' or 'returned')
  if redis.call('EXISTS', usage) == 0 then return end
  local reserved = is_reserved and tonumber(kept[2]) or 0
  local used = has_file and (tonumber(size) or reserved) or 0
  redis.call('HINCRBY', usage, 'uploads', (has_file and 1 or 0) - (is_reserved and 1 or 0))
  redis.call('HINCRBY', usage, 'bytes', string.format('%.0f', used - reserved))
end

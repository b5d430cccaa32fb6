-- Plan to look whether a file is beyond its policy, once for each file, if that forbids or deletes such files. The
-- field 'enforce:file' of its upload has the second, and the verdict, with which it was told.
local function enforce_later(at, now, record_ttl, facts, verdict)
  if not facts.first.uploaded_at or facts.file_id == '' then return end
  if redis.call('HEXISTS', at.upload, 'on_violation') == 0 then return end
  if redis.call('HSETNX', at.upload, 'enforce:' .. facts.file_id, now .. ' ' .. verdict) == 0 then return end
  redis.call('ZADD', at.enforcements, now, facts.upload_id .. ' ' .. facts.file_id)
  redis.call('EXPIRE', at.enforcements, record_ttl)
end

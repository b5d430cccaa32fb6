-- The uploads whose file's bytes are to be proven are in the index `proofs`, by the
-- second of their next look (`add_to_index` is that of the step `index`).
local function await_proof(at, now, record_ttl, upload_id)
  local declared = redis.call('HMGET', at.upload, 'md5', 'sha1')
  if declared[1] or declared[2] then add_to_index(at.proofs, now, record_ttl, upload_id) end
end
-- Return the declared digests, of those that VOD has computed, as 'md5:... sha1:...'; with one the proof is over.
local function end_proof(at, facts)
  local declared = {}
  for _, name in ipairs(facts.computed) do
    local digest = redis.call('HGET', at.upload, name)
    if digest then declared[#declared + 1] = name .. ':' .. digest end
  end
  if #declared > 0 then redis.call('ZREM', at.proofs, facts.upload_id) end
  return table.concat(declared, ' ')
end

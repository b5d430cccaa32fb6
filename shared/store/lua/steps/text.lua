-- A hash of which no value has more than 64 bytes takes half of the memory, so a long text is kept in parts: the
-- first in the field of its name, the others in `name.1`, `name.2` and so on; each but the last has 64 bytes.
-- What would take more than 16 parts, or was written by an earlier release, is whole.
local PART, MOST_PARTS = 64, 16
local function add_field(written, field, value)
  written[#written + 1], written[#written + 2] = field, value
end
local function read_text(key, field)
  local text = redis.call('HGET', key, field)
  local part, place = text, 0
  while part and #part == PART do
    place = place + 1
    part = redis.call('HGET', key, field .. '.' .. place)
    text = text .. (part or '')
  end
  return text
end
-- Add a text of which no parts are kept to what HSET is to write.
local function add_text(written, field, text)
  local step = #text > PART * MOST_PARTS and #text or PART
  for at = 0, math.max(#text - 1, 0), step do
    add_field(written, at == 0 and field or field .. '.' .. at / PART, text:sub(at + 1, at + step))
  end
end
local function remove_text(key, field)
  local place = 0
  redis.call('HDEL', key, field)
  repeat place = place + 1 until redis.call('HDEL', key, field .. '.' .. place) == 0
end

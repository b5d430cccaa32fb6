-- Return a whole number of 0 to 2^53, given as such or by its digits; anything else ends the script.
-- Redis takes nothing back: a script checks all its numbers before its first write.
local function whole(value)
  local number = value
  if type(value) == 'string' then number = value:find('^%d+$') and tonumber(value) end
  if type(number) ~= 'number' or number ~= math.floor(number) or number < 0 or number > 2 ^ 53 then
    error('not a whole number')
  end
  return number
end
-- Replace the members of these names by the numbers that they are.
local function check_numbers(members, names)
  for _, name in ipairs(names) do members[name] = whole(members[name]) end
end

-- Keep what a user has used of a day for two hours longer: clocks are up to an hour off, either way. One that is
-- ahead sets this, and for one that is behind the day goes on when it is over for others.
local function keep_usage(usage, now, day_ends_at) redis.call('EXPIRE', usage, day_ends_at - now + 7200) end

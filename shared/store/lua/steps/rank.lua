-- A score of the index `due`: the Unix second of an event's next attempt, and this times its rank
-- (RANK_STEP of shared/store/endpoint.py).
local RANK_STEP = 1e12
-- Return the second of a score, and the score of the same rank at second 0.
local function split_score(score)
  local second = score % RANK_STEP
  return second, score - second
end

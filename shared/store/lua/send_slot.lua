-- include: slot
-- KEYS send slot   ARGV now_ms, interval_ms
return wait_for_slot(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), 1)

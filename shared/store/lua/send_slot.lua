-- include: numbers, slot
-- KEYS send slot   ARGV now_ms, interval_ms
return wait_for_slot(KEYS[1], whole(ARGV[1]), whole(ARGV[2]), 1)

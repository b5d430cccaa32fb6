-- KEYS any of the partition   Returns seconds and microseconds.
return redis.call('TIME')

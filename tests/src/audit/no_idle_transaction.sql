SELECT format('process %s has idled in a transaction since %s', pid, state_change)
  FROM pg_stat_activity
 WHERE datname = current_database() AND state LIKE 'idle in transaction%'
   AND clock_timestamp() - state_change > interval '6 seconds'

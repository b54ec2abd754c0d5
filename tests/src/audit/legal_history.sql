SELECT format('%s: %s of %s at seq %s, after %s', saga_id, kind, coalesce(step, 'no step'), seq,
              CASE WHEN before IS NULL THEN 'nothing' WHEN before < 100 THEN before || ' steps done'
                   ELSE before - 100 || ' steps to undo' END)
  FROM journal
 WHERE seq <> place OR NOT coalesce(CASE
       WHEN place = 0 THEN kind = 'accepted' AND step IS NULL
       WHEN kind IN ('done', 'failed', 'refused', 'gave_up', 'rolled_back') THEN before = number - 1
       WHEN kind IN ('undone', 'undo_failed') THEN before = 100 + number
       WHEN kind IN ('retried', 'resolved') THEN before IN (number - 1, 100 + number)
       END, false)
 UNION ALL
SELECT format('%s: the journal leads to %s, and the saga is %s %s', s.id,
              CASE WHEN j.after IS NULL THEN 'nothing' WHEN j.after < 100 THEN j.after || ' steps done'
                   ELSE j.after - 100 || ' steps to undo' END, s.state, s.step)
  FROM scope s JOIN steps t ON t.id = s.id LEFT JOIN journal j ON j.saga_id = s.id AND j.is_last
 WHERE s.seq IS DISTINCT FROM j.seq OR j.after IS DISTINCT FROM CASE s.state
       WHEN 'completed' THEN cardinality(t.names)
       WHEN 'failed' THEN 100
       WHEN 'running' THEN array_position(t.names, s.step) - 1
       WHEN 'compensating' THEN 100 + array_position(t.names, s.step) END

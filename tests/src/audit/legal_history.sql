, judged AS (
    SELECT *,
           seq = place AND coalesce(CASE
           WHEN place = 0 THEN kind = 'accepted' AND step IS NULL
           WHEN kind IN ('done', 'failed', 'refused', 'gave_up', 'rolled_back') THEN before = number - 1
           WHEN kind IN ('undone', 'undo_failed') THEN before = 100 + number
           WHEN kind IN ('retried', 'resolved') THEN before IN (number - 1, 100 + number)
           END, false) AS is_legal,
           NOT is_last OR at_seq = seq AND after IS NOT DISTINCT FROM CASE state
           WHEN 'completed' THEN cardinality(names)
           WHEN 'failed' THEN 100
           WHEN 'running' THEN array_position(names, at_step) - 1
           WHEN 'compensating' THEN 100 + array_position(names, at_step) END AS meets_row
      FROM journal
)
SELECT CASE
       WHEN seq IS NULL THEN format('%s: there is no journal', id)
       WHEN NOT is_legal THEN format('%s: %s of %s at seq %s, after %s', id, kind, coalesce(step, 'no step'), seq,
           CASE WHEN before IS NULL THEN 'nothing' WHEN before < 100 THEN before || ' steps done'
                ELSE before - 100 || ' steps to undo' END)
       ELSE format('%s: the journal leads to %s, and the saga is %s %s at seq %s', id,
           CASE WHEN after < 100 THEN after || ' steps done' ELSE after - 100 || ' steps to undo' END,
           state, at_step, at_seq) END
  FROM judged WHERE seq IS NULL OR NOT is_legal OR NOT meets_row

-- Where each event of a journal leads, by the event alone: so many steps done, or 100 and so many still to be undone.
-- Then, by the windows, where the saga was before each event and after it. The saga is in each row, and nothing is
-- joined to what has been computed: of that the planner knows no numbers.
, steps AS (
    SELECT id, seq AS at_seq, state, step AS at_step, CASE version
           WHEN 2 THEN ARRAY['create_user', 'create_organization', 'create_profile', 'greet', 'update_claims']
           ELSE ARRAY['create_user', 'create_organization', 'create_profile', 'update_claims'] END AS names
      FROM scope
), numbered AS (
    SELECT t.*, e.seq, e.kind, e.step, array_position(t.names, e.step) AS number
      FROM steps t LEFT JOIN saga_events e ON e.saga_id = t.id
), moved AS (
    SELECT *, CASE kind
           WHEN 'accepted' THEN 0
           WHEN 'done' THEN number
           WHEN 'refused' THEN 100 + number
           WHEN 'gave_up' THEN 100 + number
           WHEN 'rolled_back' THEN 100 + number
           WHEN 'undone' THEN 100 + number - 1
           WHEN 'resolved' THEN 100
           END AS leads_to
      FROM numbered
), grouped AS (
    SELECT *, count(leads_to) OVER (PARTITION BY id ORDER BY seq) AS since FROM moved
), placed AS (
    SELECT *, first_value(leads_to) OVER (PARTITION BY id, since ORDER BY seq) AS after FROM grouped
), journal AS (
    SELECT *, lag(after) OVER saga AS before, row_number() OVER saga - 1 AS place, lead(seq) OVER saga IS NULL AS is_last
      FROM placed WINDOW saga AS (PARTITION BY id ORDER BY seq)
)
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

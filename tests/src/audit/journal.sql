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

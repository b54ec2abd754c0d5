-- Where each event of a journal leads, by the event alone: so many steps done, or 100 and so many still to be undone.
-- Then, by the windows, where the saga was before each event and after it.
, steps AS (
    SELECT id, CASE version
           WHEN 2 THEN ARRAY['create_user', 'create_organization', 'create_profile', 'greet', 'update_claims']
           ELSE ARRAY['create_user', 'create_organization', 'create_profile', 'update_claims'] END AS names
      FROM scope
), numbered AS (
    SELECT e.saga_id, e.seq, e.kind, e.step, array_position(t.names, e.step) AS number, cardinality(t.names) AS steps
      FROM saga_events e JOIN steps t ON t.id = e.saga_id
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
    SELECT *, count(leads_to) OVER (PARTITION BY saga_id ORDER BY seq) AS since FROM moved
), placed AS (
    SELECT *, first_value(leads_to) OVER (PARTITION BY saga_id, since ORDER BY seq) AS after FROM grouped
), journal AS (
    SELECT *, lag(after) OVER saga AS before, row_number() OVER saga - 1 AS place,
           lead(seq) OVER saga IS NULL AS is_last
      FROM placed WINDOW saga AS (PARTITION BY saga_id ORDER BY seq)
)

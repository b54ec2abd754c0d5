SELECT format('%s: %s at seq %s is signed by %s for %s', e.saga_id, e.kind, e.seq, coalesce(e.operator, 'nobody'),
              coalesce(e.reason, 'no reason'))
  FROM scope s JOIN saga_events e ON e.saga_id = s.id
 WHERE (e.kind IN ('retried', 'rolled_back', 'resolved')) <> (coalesce(e.operator, '') <> '')
    OR (coalesce(e.operator, '') <> '') <> (coalesce(e.reason, '') <> '')
 UNION ALL
SELECT format('%s: operators acted on it %s times, and %s are noted', u.id, u.seq, count(e.seq))
  FROM scope s JOIN users u ON u.saga_id = s.id LEFT JOIN user_events e ON e.user_id = u.id
 GROUP BY u.id, u.seq HAVING u.seq <> count(e.seq)

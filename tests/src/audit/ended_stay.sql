SELECT format('%s is not as its last event left it', s.id)
  FROM scope s JOIN saga_events e ON e.saga_id = s.id AND e.seq = s.seq
 WHERE s.ended_at IS NOT NULL AND (s.ended_at, s.epoch) <> (e.at, e.epoch)
 UNION ALL
SELECT format('%s was changed after its end', l.saga_id) FROM audit.seen l WHERE l.saga_id >= $1 AND l.what = 'changed'

SELECT format('%s: epoch %s at seq %s, after epoch %s', saga_id, epoch, seq, before)
  FROM (SELECT e.saga_id, e.seq, e.epoch, lag(e.epoch) OVER (PARTITION BY e.saga_id ORDER BY e.seq) AS before
          FROM saga_events e JOIN scope s ON s.id = e.saga_id) events
 WHERE epoch <= before
 UNION ALL
SELECT format('%s: epoch %s at seq %s, and the saga is at %s', s.id, e.epoch, e.seq, s.epoch)
  FROM scope s JOIN saga_events e ON e.saga_id = s.id
 WHERE e.epoch > s.epoch

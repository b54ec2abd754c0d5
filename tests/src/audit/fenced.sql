-- A claim that a crash of the server loses was never made, and another may get its epoch: of those two either writes.
SELECT format('%s: %s wrote seq %s under epoch %s, which it had not claimed', e.saga_id, e.worker, e.seq, e.epoch)
  FROM scope s JOIN saga_events e ON e.saga_id = s.id
 WHERE e.worker IS NOT NULL
   AND NOT EXISTS (SELECT FROM audit.seen l WHERE l.saga_id = e.saga_id AND l.epoch = e.epoch AND l.what = 'claimed'
                      AND (l.worker = e.worker OR l.started_at > s.accepted_at))

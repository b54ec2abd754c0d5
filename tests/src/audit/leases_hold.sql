SELECT CASE l.what
       WHEN 'claimed' THEN format('%s: %s claimed epoch %s while the last claim held', l.saga_id, l.worker, l.epoch)
       ELSE format('%s: its claim under epoch %s was ended by somebody', l.saga_id, l.epoch) END
  FROM audit.seen l
 WHERE l.saga_id >= $1 AND l.held AND l.what IN ('claimed', 'released')

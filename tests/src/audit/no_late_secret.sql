SELECT format('the password of %s is still sealed: %s', p.saga_id,
              CASE WHEN s.id IS NULL THEN 'there is no such saga' WHEN s.ended_at IS NOT NULL THEN 'the saga has ended'
                   WHEN h.saga_id IS NOT NULL THEN 'it has been hashed' ELSE 'it is too old' END)
  FROM sealed_passwords p LEFT JOIN sagas s ON s.id = p.saga_id
  LEFT JOIN saga_events h ON h.saga_id = p.saga_id AND h.kind = 'done' AND h.step = 'create_user'
 WHERE s.id IS NULL OR s.ended_at IS NOT NULL OR h.saga_id IS NOT NULL OR p.sealed_at < now() - interval '16 minutes'

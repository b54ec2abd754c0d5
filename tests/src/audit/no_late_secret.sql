SELECT format('the password of %s is still sealed: %s', p.saga_id,
              CASE WHEN s.id IS NULL THEN 'there is no such saga' WHEN s.ended_at IS NOT NULL THEN 'the saga has ended'
                   WHEN u.id IS NOT NULL THEN 'its hash is stored' ELSE 'it is too old' END)
  FROM sealed_passwords p LEFT JOIN sagas s ON s.id = p.saga_id LEFT JOIN users u ON u.saga_id = p.saga_id
 WHERE s.id IS NULL OR s.ended_at IS NOT NULL OR u.id IS NOT NULL OR p.sealed_at < now() - interval '16 minutes'

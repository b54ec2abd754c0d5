, made AS (
    SELECT 'user' AS what, saga_id FROM users UNION ALL
    SELECT 'identity', saga_id FROM identities UNION ALL
    SELECT 'organization', saga_id FROM organizations UNION ALL
    SELECT 'profile', saga_id FROM profiles UNION ALL
    SELECT 'claim', saga_id FROM claims
)
SELECT format('a %s of %s, which is %s', m.what, m.saga_id, coalesce(s.state, 'not there'))
  FROM made m LEFT JOIN sagas s ON s.id = m.saga_id
 WHERE m.saga_id >= $1 AND (s.id IS NULL OR s.state = 'failed')

, made AS (
    SELECT 'user' AS what, saga_id FROM users UNION ALL
    SELECT 'identity', saga_id FROM identities UNION ALL
    SELECT 'organization', saga_id FROM organizations UNION ALL
    SELECT 'profile', saga_id FROM profiles UNION ALL
    SELECT 'claim', saga_id FROM claims
)
SELECT format('a %s of %s, which is a decoy', m.what, s.id)
  FROM scope s JOIN made m ON m.saga_id = s.id
 WHERE s.decoy

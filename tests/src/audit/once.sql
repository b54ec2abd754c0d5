, made AS (
    SELECT 'users' AS what, saga_id FROM users UNION ALL
    SELECT 'identities', saga_id FROM identities UNION ALL
    SELECT 'organizations', saga_id FROM organizations UNION ALL
    SELECT 'profiles', saga_id FROM profiles UNION ALL
    SELECT 'claims', saga_id FROM claims
)
SELECT format('%s %s of %s', count(*), what, saga_id) FROM made
 WHERE saga_id >= $1 GROUP BY what, saga_id HAVING count(*) > 1

SELECT format('%s lacks its %s', s.id, concat_ws(', its ',
           CASE WHEN u.id IS NULL THEN 'user with a hash' END, CASE WHEN i.user_id IS NULL THEN 'identity' END,
           CASE WHEN o.id IS NULL THEN 'organization' END, CASE WHEN p.id IS NULL THEN 'profile' END,
           CASE WHEN c.user_id IS NULL THEN 'claims' END))
  FROM scope s
  LEFT JOIN users u ON u.saga_id = s.id AND u.id = s.user_id AND u.email_key = s.email_key
       AND starts_with(u.password_hash, '$argon2id$')
  LEFT JOIN identities i ON i.saga_id = s.id AND i.user_id = s.user_id
  LEFT JOIN organizations o ON o.saga_id = s.id AND o.id = s.organization_id
  LEFT JOIN profiles p ON p.saga_id = s.id AND p.id = s.profile_id AND p.user_id = s.user_id
       AND p.organization_id = s.organization_id
  LEFT JOIN claims c ON c.saga_id = s.id AND c.user_id = s.user_id AND c.organization_id = s.organization_id
       AND c.role = p.role
 WHERE s.state = 'completed' AND NOT s.decoy AND s.email_key IS NOT NULL
   AND (u.id IS NULL OR i.user_id IS NULL OR o.id IS NULL OR p.id IS NULL OR c.user_id IS NULL)

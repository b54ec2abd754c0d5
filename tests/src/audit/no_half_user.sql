SELECT format('the user of %s is %s, and the saga is %s', s.id, u.status, s.state)
  FROM scope s JOIN users u ON u.saga_id = s.id
 WHERE (u.status = 'active') <> (s.state = 'completed')

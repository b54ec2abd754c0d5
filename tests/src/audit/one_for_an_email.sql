SELECT format('%s sign-ups %s for the e-mail of %s', count(*), min(what), min(id::text))
  FROM (SELECT id, email_key, CASE WHEN state = 'completed' THEN 'completed' ELSE 'are under way' END AS what
          FROM scope WHERE email_key IS NOT NULL AND state <> 'failed' AND NOT decoy) live
 GROUP BY email_key, what HAVING count(*) > 1

-- Three sign-ups as the product leaves them: one completed, one failed at its second step, one under way.
INSERT INTO sagas (id, kind, version, state, step, code, epoch, seq, due_at, accepted_at, ended_at, user_id,
                   organization_id, profile_id, email, email_key)
SELECT id::uuid, 'signup', 1, state, step, code, epoch, seq, now(), now() - interval '1 minute',
       CASE WHEN step IS NULL THEN now() END, id::uuid, id::uuid, id::uuid, email, email
  FROM (VALUES
    ('00000000-0000-7000-8000-00000000000a', 'completed', NULL, NULL, 4, 4, 'ada@example.com'),
    ('00000000-0000-7000-8000-00000000000b', 'failed', NULL, 'sabotaged', 4, 4, 'bob@example.com'),
    ('00000000-0000-7000-8000-00000000000c', 'running', 'create_user', NULL, 0, 0, 'cy@example.com')
  ) AS s (id, state, step, code, epoch, seq, email);

INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, worker, at)
SELECT id::uuid, seq, seq, kind, step, 1, CASE WHEN seq > 0 THEN 'w' END, now()
  FROM (VALUES
    ('00000000-0000-7000-8000-00000000000a', 0, 'accepted', NULL),
    ('00000000-0000-7000-8000-00000000000a', 1, 'done', 'create_user'),
    ('00000000-0000-7000-8000-00000000000a', 2, 'done', 'create_organization'),
    ('00000000-0000-7000-8000-00000000000a', 3, 'done', 'create_profile'),
    ('00000000-0000-7000-8000-00000000000a', 4, 'done', 'update_claims'),
    ('00000000-0000-7000-8000-00000000000b', 0, 'accepted', NULL),
    ('00000000-0000-7000-8000-00000000000b', 1, 'done', 'create_user'),
    ('00000000-0000-7000-8000-00000000000b', 2, 'refused', 'create_organization'),
    ('00000000-0000-7000-8000-00000000000b', 3, 'undone', 'create_organization'),
    ('00000000-0000-7000-8000-00000000000b', 4, 'undone', 'create_user'),
    ('00000000-0000-7000-8000-00000000000c', 0, 'accepted', NULL)
  ) AS e (id, seq, kind, step);

INSERT INTO audit.seen
SELECT saga_id, epoch, 'claimed', worker, false, false, false, now() - interval '1 day'
  FROM saga_events WHERE worker IS NOT NULL;

INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
SELECT id, id, email, email_key, '$argon2id$', 'active', now() FROM sagas WHERE state = 'completed';
INSERT INTO identities SELECT id, saga_id, 'email', now() FROM users;
INSERT INTO organizations SELECT id, saga_id, 'Ada', now() FROM users;
INSERT INTO profiles SELECT id, saga_id, id, id, 'Ada', 'owner', now() FROM users;
INSERT INTO claims SELECT id, saga_id, id, 'owner', now() FROM users;
INSERT INTO sealed_passwords SELECT id, 'x', now() FROM sagas WHERE state = 'running';

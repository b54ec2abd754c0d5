-- An account, as a completed sign-up leaves it behind.
INSERT INTO sagas (id, kind, version, state, seq, due_at, accepted_at, ended_at, user_id, organization_id, profile_id,
                   email, email_key)
VALUES ($saga, 'signup', 1, 'completed', 4, $now, $now, $now, $user, $organization, $profile, $email, $email);

INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, at)
VALUES ($saga, 0, 0, 'accepted', NULL, 0, $now),
       ($saga, 1, 0, 'done', 'create_user', 1, $now),
       ($saga, 2, 0, 'done', 'create_organization', 1, $now),
       ($saga, 3, 0, 'done', 'create_profile', 1, $now),
       ($saga, 4, 0, 'done', 'update_claims', 1, $now);

INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
VALUES ($user, $saga, $email, $email, '$argon2id$planted', 'active', $now);
INSERT INTO identities (user_id, saga_id, provider, created_at) VALUES ($user, $saga, 'email', $now);
INSERT INTO organizations (id, saga_id, name, created_at) VALUES ($organization, $saga, 'Planted', $now);
INSERT INTO profiles (id, saga_id, user_id, organization_id, role, created_at)
VALUES ($profile, $saga, $user, $organization, 'owner', $now);
INSERT INTO claims (user_id, saga_id, organization_id, role, created_at)
VALUES ($user, $saga, $organization, 'owner', $now);

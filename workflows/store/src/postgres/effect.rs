//! What each effect writes, as part of the statement that commits its step.
//!
//! `l` is the locked sagas with what is to be written of them. An effect leaves behind `o`, the same with `applied`:
//! whether the effect is there, and `hashed`: whether the sealed password is of no more use. Ids, e-mail and names come
//! from the saga's own row.

use signup::Effect;

/// No effect at all.
macro_rules! nothing {
    () => {
        "o AS (SELECT *, true AS applied, false AS hashed FROM l)"
    };
}

/// A decoy's user.
macro_rules! wipe_password {
    () => {
        "o AS (SELECT *, true AS applied, true AS hashed FROM l)"
    };
}

/// No conflict target: whichever constraint says no, the step is refused.
macro_rules! create_user {
    () => {
        "u AS (
    INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
    SELECT user_id, id, email, email_key, payload, 'provisional', now() FROM l
        ON CONFLICT DO NOTHING RETURNING id, saga_id
), n AS (
    INSERT INTO identities (user_id, saga_id, provider, created_at) SELECT id, saga_id, 'email', now() FROM u
), o AS (
    SELECT l.*, u.id IS NOT NULL AS applied, u.id IS NOT NULL AS hashed FROM l LEFT JOIN u ON u.saga_id = l.id
)"
    };
}

/// Identities go with their user.
macro_rules! delete_user {
    () => {
        concat!("d AS (DELETE FROM users t USING l WHERE t.saga_id = l.id), ", nothing!())
    };
}

macro_rules! create_organization {
    () => {
        concat!(
            "n AS (
    INSERT INTO organizations (id, saga_id, name, created_at) SELECT organization_id, id, payload, now() FROM l
), ",
            nothing!()
        )
    };
}

macro_rules! delete_organization {
    () => {
        concat!("d AS (DELETE FROM organizations t USING l WHERE t.saga_id = l.id), ", nothing!())
    };
}

macro_rules! create_profile {
    () => {
        concat!(
            "n AS (
    INSERT INTO profiles (id, saga_id, user_id, organization_id, full_name, role, created_at)
    SELECT profile_id, id, user_id, organization_id, full_name, 'owner', now() FROM l
), ",
            nothing!()
        )
    };
}

macro_rules! delete_profile {
    () => {
        concat!("d AS (DELETE FROM profiles t USING l WHERE t.saga_id = l.id), ", nothing!())
    };
}

/// Claims are copied from the profile: without one, nothing is written and the effect is not applied.
macro_rules! write_claims {
    () => {
        "c AS (
    INSERT INTO claims (user_id, saga_id, organization_id, role, created_at)
    SELECT p.user_id, p.saga_id, p.organization_id, p.role, now() FROM profiles p JOIN l ON p.saga_id = l.id
    RETURNING saga_id
), v AS (
    UPDATE users t SET status = 'active' FROM c WHERE t.saga_id = c.saga_id
), o AS (
    SELECT l.*, c.saga_id IS NOT NULL AS applied, false AS hashed FROM l LEFT JOIN c ON c.saga_id = l.id
)"
    };
}

macro_rules! delete_claims {
    () => {
        concat!("d AS (DELETE FROM claims t USING l WHERE t.saga_id = l.id), ", nothing!())
    };
}

pub(super) use {
    create_organization, create_profile, create_user, delete_claims, delete_organization, delete_profile, delete_user,
    nothing, wipe_password, write_claims,
};

/// What an effect brings that the saga's row does not hold.
pub(super) fn payload(effect: Option<&Effect>) -> Option<String> {
    match effect {
        Some(Effect::CreateUser { hash }) => Some(hash.as_str().to_owned()),
        Some(Effect::CreateOrganization { name }) => Some(name.as_str().to_owned()),
        Some(
            Effect::DeleteUser
            | Effect::DeleteOrganization
            | Effect::CreateProfile
            | Effect::DeleteProfile
            | Effect::WriteClaims
            | Effect::DeleteClaims
            | Effect::WipePassword
            | Effect::Nothing,
        )
        | None => None,
    }
}
